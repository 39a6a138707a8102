// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Command secrets measures what Secrets that nobody refers to cost the manager
// in memory: one process without them, then one with them in the cluster, at the
// same work. It ends with 1 if the difference is over the bound.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/hack/cluster"
	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

const (
	// secretBytes is the size of each unrelated Secret.
	secretBytes = 32 << 10
	// bound of the difference.
	bound = 5 << 20
	// settle is the wait after a sync, and pause that between two looks.
	settle = 5 * time.Second
	pause  = 200 * time.Millisecond
	looks  = 25

	namespace = "measured"
	mebibyte  = 1 << 20
)

func main() {
	number := flag.Int("secrets", 5000, "Number of unrelated Secrets.")
	rounds := flag.Int("rounds", 5, "Number of processes that are measured without the Secrets, and with them.")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	if err := measure(ctx, *number, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "secrets:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, number, rounds int) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Minute)
	defer cancel()
	c, err := cluster.Start(ctx, ".")
	if err != nil {
		return err
	}
	defer func() { _ = c.Stop() }()
	registry := harbortest.Generated(harbortest.Size{Projects: 5, Repositories: 100, Artifacts: 20})
	var t cluster.Cleanups
	defer t.Run()
	harbor := harbortest.NewServer(&t, registry, harbortest.Options{})
	if err := c.Namespace(ctx, namespace, "robot$inventory", "secret"); err != nil {
		return err
	}
	inv := cluster.Inventory(namespace, "all", harbor.URL)
	inv.Spec.Interval = metav1.Duration{Duration: time.Hour}
	if err := c.Client.Create(ctx, inv); err != nil {
		return err
	}
	// The first process has the lists to write; the others find them.
	if _, err := rss(ctx, c, "warm"); err != nil {
		return err
	}
	without, err := series(ctx, c, "without", rounds)
	if err != nil {
		return err
	}
	if err := fill(ctx, c, number); err != nil {
		return err
	}
	with, err := series(ctx, c, "with", rounds)
	if err != nil {
		return err
	}
	fmt.Printf("| Unrelated Secrets of %d KiB | Processes | RSS, least | Median | Most |\n|---|---|---|---|---|\n", secretBytes>>10)
	for _, row := range []struct {
		secrets int
		values  []int64
	}{{0, without}, {number, with}} {
		fmt.Printf("| %d | %d | %.1f MiB | %.1f MiB | %.1f MiB |\n", row.secrets, rounds, mib(row.values[0]), mib(median(row.values)), mib(row.values[rounds-1]))
	}
	difference := median(with) - median(without)
	fmt.Printf("\nDifference of the medians: %+.1f MiB, %.3f of the RSS without; the bound is %d MiB. The Secrets hold %.0f MiB.\n",
		mib(difference), float64(difference)/float64(median(without)), bound/mebibyte, mib(int64(number)*secretBytes))
	if difference > bound {
		return errors.New("the difference is over the bound")
	}
	return nil
}

func mib(bytes int64) float64 { return float64(bytes) / mebibyte }

func median(sorted []int64) int64 { return sorted[len(sorted)/2] }

// series measures several processes one after the other, sorted.
func series(ctx context.Context, c *cluster.Cluster, name string, rounds int) ([]int64, error) {
	var all []int64
	for i := range rounds {
		value, err := rss(ctx, c, fmt.Sprint(name, " ", i))
		if err != nil {
			return nil, err
		}
		all = append(all, value)
	}
	slices.Sort(all)
	return all, nil
}

// rss starts a manager, has it sync, lets it settle, and returns the median of
// what it then has resident.
func rss(ctx context.Context, c *cluster.Cluster, request string) (int64, error) {
	kubeconfig, err := c.Kubeconfig("")
	if err != nil {
		return 0, err
	}
	m, err := c.StartManager(ctx, kubeconfig, nil)
	if err != nil {
		return 0, err
	}
	defer func() { _ = m.Kill() }()
	if err := sync(ctx, c, request); err != nil {
		return 0, err
	}
	if err := testbed.Pause(ctx, settle); err != nil {
		return 0, err
	}
	var all []int64
	for range looks {
		usage, err := m.Usage()
		if err != nil {
			return 0, err
		}
		all = append(all, usage.Resident)
		if err := testbed.Pause(ctx, pause); err != nil {
			return 0, err
		}
	}
	slices.Sort(all)
	return median(all), m.Stop()
}

// sync asks for a sync and waits for its end.
func sync(ctx context.Context, c *cluster.Cluster, request string) error {
	key := client.ObjectKey{Namespace: namespace, Name: "all"}
	var inv v1alpha1.HarborInventory
	if err := c.Client.Get(ctx, key, &inv); err != nil {
		return err
	}
	before := inv.DeepCopy()
	inv.Annotations = map[string]string{v1alpha1.AnnotationRequestedAt: request}
	if err := c.Client.Patch(ctx, &inv, client.MergeFrom(before)); err != nil {
		return err
	}
	return testbed.Await(ctx, func(ctx context.Context) error {
		if err := c.Client.Get(ctx, key, &inv); err != nil {
			return err
		}
		if inv.Status.LastHandledReconcileAt != request || !apimeta.IsStatusConditionTrue(inv.Status.Conditions, v1alpha1.ConditionComplete) {
			return fmt.Errorf("%q has not been handled: %v", request, inv.Status.Conditions)
		}
		return nil
	})
}

// fill makes the Secrets, half of them in the inventory's own namespace.
func fill(ctx context.Context, c *cluster.Cluster, number int) error {
	const other = "unrelated"
	if err := c.Namespace(ctx, other, "nobody", "nothing"); err != nil {
		return err
	}
	content := make([]byte, secretBytes)
	for i := range content {
		content[i] = byte(i)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for i := range number {
		group.Go(func() error {
			return c.Client.Create(ctx, &corev1.Secret{
				ObjectMeta: metav1.ObjectMeta{Namespace: []string{namespace, other}[i%2], Name: fmt.Sprintf("unrelated-%d", i)},
				Data:       map[string][]byte{"content": content},
			})
		})
	}
	return group.Wait()
}
