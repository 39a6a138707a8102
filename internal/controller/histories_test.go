// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// history is what happens to a Harbor and to an operator that keeps its inventory.
type history struct {
	version harbortest.Version
	perList int32
	seed    uint64 // of what happens to webhooks and to rows of the audit log
	lose    float64
	slow    time.Duration // of each answer of Harbor's, and of the API server's in part
	late    bool          // rows of the audit log appear late
	permits bool          // the account may read the audit log
	steps   []historyStep

	realm    *realm
	witness  *listWitness
	random   *rand.Rand
	labels   []int64
	told     *coverage
	restores []func() // what is still wrong with Harbor
}

// historyStep is one thing that happens, some time after the one before; its
// numbers choose among what there is then.
type historyStep struct {
	after                      time.Duration
	action, repository, object int
	unlogged                   bool // its rows of the audit log are lost
}

// coverage counts what histories put to the test.
type coverage struct {
	Histories, Steps, Changes, Silent, Unlogged, Rewinds, Repacks, Requests int
	Fired, Lost, Copied, Delayed, Failed                                    int // webhooks
	Faults, HarborRestarts, OperatorRestarts, AmidSync                      int
	Writes, ByHints, BySyncs                                                int // of lists
	ByWebhook, ByAuditLog, Verified                                         int // repositories
}

var historyRepositories = []string{"p/a", "p/b", "p/c/d", "q/a", "q/b"}

// The actions; those of one line differ in what tells of them.
const (
	pushUntagged   = iota
	pushTag        // a new one, or one that moves
	pushTagAgain   // the same, to make it more frequent
	tagByAPI       // no webhook
	untagByAPI     // no webhook
	moveTagByAPI   // no webhook
	deleteArtifact //
	label          // no webhook, no entry, no update_time
	unlabel        // the same
	pushIndex      // hides its children
	pull           // moves update_time, and nothing else
	deleteRepository
	collectGarbage // no webhook, no entry
	retention
	project // makes or deletes one
	rewindAuditLog
	repack // the lists are to hold another number of artifacts
	request
	requestAgain
	disturbHarbor
	restartHarbor
	restartOperator
	historyActions
)

func drawHistory(t *rapid.T) *history {
	step := rapid.Custom(func(t *rapid.T) historyStep {
		return historyStep{
			after:      time.Duration(rapid.SampledFrom([]int{0, 0, 1, 20, 100, 200, 2_000, 10_000, 60_000, 200_000}).Draw(t, "after")) * time.Millisecond,
			action:     rapid.IntRange(0, historyActions-1).Draw(t, "action"),
			repository: rapid.IntRange(0, len(historyRepositories)-1).Draw(t, "repository"),
			object:     rapid.IntRange(0, 99).Draw(t, "object"),
			unlogged:   rapid.IntRange(0, 3).Draw(t, "unlogged") == 0,
		}
	})
	return &history{
		version: rapid.SampledFrom([]harbortest.Version{
			harbortest.Harbor216, harbortest.Harbor216, harbortest.Harbor2151, harbortest.Harbor211, harbortest.Harbor28,
		}).Draw(t, "version"),
		perList: rapid.Int32Range(1, 5).Draw(t, "per list"),
		seed:    rapid.Uint64().Draw(t, "seed"),
		lose:    rapid.SampledFrom([]float64{0, 0.3, 0.7, 1}).Draw(t, "lost webhooks"),
		slow:    time.Duration(rapid.SampledFrom([]int{10, 100, 800}).Draw(t, "latency")) * time.Millisecond,
		late:    rapid.Bool().Draw(t, "late entries"),
		permits: rapid.IntRange(0, 4).Draw(t, "audit log") > 0,
		steps:   rapid.SliceOfN(step, 10, 60).Draw(t, "steps"),
	}
}

// run lets the history happen, and tells what went wrong.
func (h *history) run(told *coverage) (problem string) {
	h.told = told
	h.random = rand.New(rand.NewPCG(h.seed, 0))
	registry := harbortest.New(harbortest.WithVersion(h.version))
	registry.AddRobot(harbortest.Robot{Name: "inventory", Secret: "secret", SystemScope: h.permits, Webhooks: true})
	h.witness = newListWitness(registry)
	for _, name := range []string{"p", "q"} {
		h.do(registry.CreateProject(name, false))
	}
	for _, name := range []string{"red", "blue"} {
		id, err := registry.CreateLabel(harbortest.Label{Name: name})
		h.do(err)
		h.labels = append(h.labels, id)
	}
	if h.late {
		registry.DelayAudit(func(id int64) time.Duration { return time.Duration(id*37%100) * time.Second })
	}
	spec := realmSpec()
	spec.Output.MaxArtifactsPerList = &h.perList
	h.realm = newRealm(registry, harbortest.Options{
		LatencyOf: h.latency, Seed: h.seed | 1, Webhooks: harbortest.WebhookOptions{Disturb: h.disturb},
	}, spec)
	h.realm.store.see, h.realm.store.latency = h.see, h.slow/4
	for i := range 12 {
		h.act(historyStep{action: pushTag, repository: i, object: i})
	}
	h.realm.start()
	for _, s := range h.steps {
		time.Sleep(s.after)
		h.act(s)
	}
	for _, restore := range h.restores {
		restore()
	}
	// One interval, and the time that a sync takes.
	time.Sleep(spec.VerifyInterval.Duration + time.Minute)
	h.realm.stop()
	h.realm.close()
	told.count(h.realm.harbor.WebhookStats())
	if len(h.witness.complaints) > 0 {
		return h.witness.complaints[0]
	}
	if diff := cmp.Diff(h.realm.held(), h.realm.shown()); diff != "" {
		return "after an interval of verification, Harbor lists (-) and the lists show (+):\n" + diff
	}
	if n, want := h.realm.inventory().Status.Artifacts, int64(len(h.realm.held())); n == nil || *n != want {
		return fmt.Sprintf("the status counts %v artifacts of %d", n, want)
	}
	return ""
}

// do takes the error of something that may be impossible.
func (h *history) do(err error) {
	if err == nil && h.witness != nil {
		h.witness.look()
	}
}

// see is called with each change of a list.
func (h *history) see(ctx context.Context, before, after *v1alpha1.ArtifactList) {
	h.witness.see(before, after)
	h.told.Writes++
	if ctx.Value(layerKey{}) == "hint" {
		h.told.ByHints++
	} else {
		h.told.BySyncs++
	}
}

// latency of a request: some are much slower than others, which overtake them.
func (h *history) latency(*http.Request) time.Duration {
	return []time.Duration{0, h.slow, h.slow, h.slow, 8 * h.slow}[rand.IntN(5)]
}

// disturb loses, repeats and delays webhooks.
func (h *history) disturb(harbortest.WebhookDelivery) (d harbortest.Disturbance) {
	if d.Lose = h.random.Float64() < h.lose; d.Lose {
		return d
	}
	if h.random.IntN(4) == 0 {
		d.Copies = 1 + h.random.IntN(3)
		h.told.Copied += d.Copies
	}
	if h.random.IntN(3) == 0 {
		d.Delay = time.Duration(h.random.Int64N(int64(4 * time.Minute)))
		h.told.Delayed++
	}
	return d
}

func (c *coverage) count(s harbortest.WebhookStats) {
	c.Fired += s.Fired
	c.Lost += s.Lost
	c.Failed += s.Failed
}

// Whatever happens to Harbor, its webhooks, its audit log and the operator: one
// interval of verification after the last change the lists are as Harbor is, and
// at no time do they lack an artifact that they have shown and that Harbor held
// throughout. make soak goes through more histories than these few.
func TestHistories(t *testing.T) {
	fewChecks(t, "40")
	var told coverage
	before := countLayers()
	rapid.Check(t, func(rt *rapid.T) {
		h, problem := drawHistory(rt), ""
		synctest.Test(t, func(*testing.T) { problem = h.run(&told) })
		if problem != "" {
			rt.Fatal(problem)
		}
		told.Histories++
		told.Steps += len(h.steps)
	})
	layers := countLayers()
	told.ByWebhook, told.ByAuditLog, told.Verified = layers[0]-before[0], layers[1]-before[1], layers[2]-before[2]
	t.Logf("%+v", told)
	for name, n := range map[string]int{
		"silent changes": told.Silent, "lost webhooks": told.Lost, "lost rows": told.Unlogged, "restarts amid a sync": told.AmidSync,
		"readings for webhooks": told.ByWebhook, "readings for the audit log": told.ByAuditLog, "changes found by verification": told.Verified,
	} {
		// Of a few histories, none may have had what is rare.
		if n == 0 && (name != "restarts amid a sync" || told.Histories >= 200) {
			t.Errorf("these histories had no %s", name)
		}
	}
}

// fewChecks has rapid check that often, unless a flag says how often.
func fewChecks(t *testing.T, n string) {
	t.Helper()
	const name = "rapid.checks"
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == name })
	if given {
		return
	}
	fine(flag.Set(name, n))
	t.Cleanup(func() { fine(flag.Set(name, flag.Lookup(name).DefValue)) })
}

// choose chooses one of what there is; false if there is nothing.
func choose[T any](from []T, number int) (chosen T, ok bool) {
	if len(from) == 0 {
		return chosen, false
	}
	return from[number%len(from)], true
}

func (h *history) listed(repository string) (all []harbortest.ListedArtifact) {
	listed, _ := h.realm.registry.Listed()
	return slices.DeleteFunc(listed, func(a harbortest.ListedArtifact) bool { return a.Repository != repository })
}
