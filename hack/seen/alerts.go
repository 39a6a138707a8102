// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/harbor-inventory/harbor-inventory/hack/cluster"
	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
)

// shorten makes a rule fire sooner: it waits for 4 s, and looks back 30 s where it
// looks back minutes and 60 s where hours. What it compares with what stays.
func shorten(rules string) string {
	for _, s := range [][2]string{{`for: \w+`, "for: 4s"}, {`\[\d+m\]`, "[30s]"}, {`\[\d+h\]`, "[60s]"}} {
		rules = regexp.MustCompile(s[0]).ReplaceAllString(rules, s[1])
	}
	return rules
}

// scene makes one alert fire, and then ends what was wrong.
type scene struct {
	alert, what string
	// label and value say which of the alerts of that name is meant.
	label, value string
	// secret is the name of the Secret with the credentials, unless it is robot.
	secret        string
	provoke, mend func(context.Context) error
}

// limit bounds the wait for one alert.
const limit = 4 * time.Minute

func alerts(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	var cleanups cluster.Cleanups
	defer cleanups.Run()
	ctx, b, err := open(ctx, &cleanups, shorten)
	if err != nil {
		return err
	}
	if err := b.Namespace(ctx, ns, account, secret); err != nil {
		return err
	}
	var mu sync.Mutex
	var rows []string
	play := func(s scene) error {
		row, err := b.play(ctx, s)
		mu.Lock()
		defer mu.Unlock()
		rows = append(rows, row)
		return err
	}
	// The first one is about the operator itself, so it goes first.
	err = play(scene{
		alert: "HarborInventoryOperatorDown", what: "the operator is not started",
		provoke: func(context.Context) error { return nil },
		mend:    b.startManager,
	})
	if err != nil {
		return err
	}
	var group errgroup.Group
	for _, s := range b.scenes() {
		group.Go(func() error { return play(s) })
	}
	err = group.Wait()
	slices.Sort(rows)
	fmt.Println("| Alert | Provoked by | Fired after | Ended, once that was mended, after |\n|---|---|---|---|")
	fmt.Println(strings.Join(rows, "\n"))
	rules, missing := shippedRules()
	if err := errors.Join(err, missing); err != nil {
		return err
	}
	for _, m := range regexp.MustCompile(`alert: (\w+)`).FindAllStringSubmatch(rules, -1) {
		if !strings.Contains(strings.Join(rows, "\n"), "| "+m[1]+" |") {
			return fmt.Errorf("%s was not provoked", m[1])
		}
	}
	return nil
}

func (b *bed) play(ctx context.Context, s scene) (row string, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("%s: not within %s", s.alert, limit))
	defer cancel()
	if firing, err := b.prometheus.firing(ctx, s.alert, s.label, s.value); err != nil || firing {
		return "", fmt.Errorf("%s fires before it is provoked: %w", s.alert, err)
	}
	start := time.Now()
	if err := s.provoke(ctx); err != nil {
		return "", fmt.Errorf("%s: %w", s.alert, err)
	}
	if err := b.await(ctx, s, true); err != nil {
		return "", err
	}
	fired := time.Since(start)
	answers, err := b.consult(ctx, &s)
	fmt.Print(answers)
	if err != nil {
		return "", err
	}
	start = time.Now()
	if err := s.mend(ctx); err != nil {
		return "", fmt.Errorf("%s: %w", s.alert, err)
	}
	if err := b.await(ctx, s, false); err != nil {
		return "", err
	}
	return fmt.Sprintf("| %s | %s | %.0f s | %.0f s |", s.alert, s.what, fired.Seconds(), time.Since(start).Seconds()), nil
}

func (b *bed) await(ctx context.Context, s scene, want bool) error {
	return testbed.Await(ctx, func(ctx context.Context) error {
		firing, err := b.prometheus.firing(ctx, s.alert, s.label, s.value)
		if err == nil && firing != want {
			err = fmt.Errorf("%s fires: %t", s.alert, firing)
		}
		return err
	})
}
