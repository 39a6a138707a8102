// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"fmt"
	"testing"
	"time"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// TestFromSimulator: what happens in a Harbor arrives as hints, in both formats,
// although deliveries come twice and in another order: for each repository that
// changed at least one after the change, and few in all.
func TestFromSimulator(t *testing.T) {
	for _, format := range []string{"Default", "CloudEvents"} {
		t.Run(format, func(t *testing.T) {
			passed := newCollected()
			r := newReceiver(t, Config{Hint: passed.hint, Limits: Limits{Quiet: time.Hour, Longest: time.Hour}})
			address, stop := serve(t, r, nil)
			registry := harbortest.New()
			if _, err := registry.AddWebhook("library", harbortest.Webhook{Name: "inventory", Targets: []harbortest.WebhookTarget{
				{Address: "http://" + address + Path(production), AuthHeader: secret, PayloadFormat: format},
			}}); err != nil {
				t.Fatal(err)
			}
			n := 0
			server := harbortest.NewServer(t, registry, harbortest.Options{Webhooks: harbortest.WebhookOptions{
				Disturb: func(harbortest.WebhookDelivery) harbortest.Disturbance {
					n++
					return harbortest.Disturbance{Copies: n % 3, Delay: time.Duration(n%5) * time.Millisecond}
				},
			}})
			for i := range 200 { // a pipeline
				registry.Push("library/app", harbortest.Image{Tags: []string{fmt.Sprint("v", i)}})
			}
			registry.PushIndex("library/multi", harbortest.Index{
				Image: harbortest.Image{Tags: []string{"v1"}}, Children: []harbortest.Child{{}, {}, {}},
			})
			registry.Push("library/old", harbortest.Image{Tags: []string{"v1"}})
			for _, err := range []error{
				registry.SetScan("library/old", "v1", harbortest.Scan{Findings: map[string]int{"High": 2}}),
				registry.Pull("library/app", "v1"),
				registry.DeleteArtifact("library/old", "v1"),
			} {
				if err != nil {
					t.Fatal(err)
				}
			}
			if err := server.WaitForWebhooks(t.Context()); err != nil {
				t.Fatal(err)
			}
			if stats := server.WebhookStats(); stats.Failed > 0 {
				t.Errorf("%+v", stats)
			}
			server.Close()
			stop()
			if len(passed.hints) != 3 {
				t.Fatalf("%d hints: %+v", len(passed.hints), passed.hints)
			}
			for i, want := range []struct {
				repository string
				kinds      Kind
				artifacts  int
			}{{"library/app", Pushed, 0}, {"library/multi", Pushed, 4}, {"library/old", Pushed | Scanned | Deleted, 1}} {
				h := passed.hints[i]
				if h.Repository != want.repository || h.Kinds != want.kinds || len(h.Artifacts) != want.artifacts {
					t.Errorf("%+v, want %+v", h, want)
				}
			}
			if scan := passed.hints[2].Artifacts[0].Scan; scan == nil || scan.BySeverity["High"] != 2 {
				t.Errorf("scan %+v", scan)
			}
		})
	}
}
