// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
)

// changes measures syncs after one artifact was pushed, retagged or deleted in
// each of k repositories.
func changes(ctx context.Context, p programs, s settings, out io.Writer) (err error) {
	b, r, err := synced(ctx, p, s, "changes", 168*time.Hour)
	if err != nil {
		return err
	}
	defer b.closing(&err)
	t := newTable("k", "Pushed", "Tag moved", "Deleted", "List writes seen by a watcher", "List writes counted by the API server")
	var errs []error
	for n, k := range s.numbers {
		done, err := b.changeHarbor(ctx, n, k)
		if err != nil {
			return err
		}
		before, err := b.mark(ctx, r)
		if err != nil {
			return err
		}
		if err := b.syncNow(ctx, "measured"); err != nil {
			return err
		}
		after, err := b.mark(ctx, r)
		if err != nil {
			return err
		}
		c := after.since(before)
		t.row(k, done["push"], done["move"], done["delete"], c.seen, c.counted.lists)
		if c.seen != int64(k) || c.counted.lists != int64(k) {
			errs = append(errs, fmt.Errorf("%d changes: %d list writes seen and %d counted", k, c.seen, c.counted.lists))
		}
	}
	return errors.Join(t.write(out), errors.Join(errs...))
}

// held returns the repositories that Harbor has, sorted, and what it lists of each.
func (b *bed) held(ctx context.Context) (repositories []string, artifacts map[string][]testbed.Artifact, err error) {
	all, err := b.harbor.Listed(ctx)
	artifacts = map[string][]testbed.Artifact{}
	for _, a := range all {
		artifacts[a.Repository] = append(artifacts[a.Repository], a)
	}
	return slices.Sorted(maps.Keys(artifacts)), artifacts, err
}

// changeHarbor changes one artifact in each of k repositories: in turn one is
// pushed, loses a tag to another one of the same list, or is deleted. n is the
// number of the call: each begins with another kind of change.
func (b *bed) changeHarbor(ctx context.Context, n, k int) (map[string]int, error) {
	repositories, held, err := b.held(ctx)
	if err != nil {
		return nil, err
	}
	if len(repositories) < k {
		return nil, fmt.Errorf("the data set has %d repositories, fewer than %d", len(repositories), k)
	}
	done := map[string]int{}
	for i := range k {
		repository := repositories[i*len(repositories)/k] // spread over all of them
		kind := []string{"push", "move", "delete"}[(i+n)%3]
		done[kind]++
		if err := b.change(ctx, kind, repository, held[repository], fmt.Sprintf("change-%d-%d", n, i)); err != nil {
			return nil, err
		}
	}
	return done, nil
}

func (b *bed) change(ctx context.Context, kind, repository string, held []testbed.Artifact, tag string) error {
	switch kind {
	case "push":
		_, err := b.harbor.Push(ctx, repository, tag)
		return err
	case "delete":
		return b.harbor.Delete(ctx, repository, held[len(held)/2].Digest)
	default: // the first ones by id are in one list
		from := slices.IndexFunc(held, func(a testbed.Artifact) bool { return len(a.Tags) > 0 })
		return b.harbor.Tag(ctx, repository, held[from+1].Digest, held[from].Tags[0])
	}
}
