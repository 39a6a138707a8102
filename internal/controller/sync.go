// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/current"
	"github.com/harbor-inventory/harbor-inventory/internal/fetch"
	"github.com/harbor-inventory/harbor-inventory/internal/inventory"
)

// errTimedOut ends a sync after spec.timeout.
var errTimedOut = errors.New("the sync took longer than spec.timeout")

// result is what a sync found and did.
type result struct {
	decision decision
	started  metav1.Time
	duration time.Duration

	report fetch.Report
	err    error // ended the sync early; what was done until then stays

	// done and found count repositories.
	done, found int

	// totals of the inventory as it is now, kept entries included; see numbers.
	totals   inventory.Totals
	projects map[string]inventory.ProjectTotals
	lists    int

	unlisted, unlistedPending int64

	// entries for output.mode Status; stall says why there are none.
	entries []v1alpha1.RepositoryArtifact
	stall   *stallError

	registration registration
	received     bool // whether the operator receives webhooks
	audit        current.Verdict
	cursor       *v1alpha1.AuditLogCursor
	byProject    bool // whether repositories are listed project by project
}

// ended tells whether the sync was ended early.
func (res *result) ended() bool { return res.err != nil }

// is sets the numbers.
func (res *result) is(sum numbers) {
	res.totals, res.projects, res.lists = sum.totals, sum.projects, sum.lists
	res.unlisted, res.unlistedPending = sum.unlisted, sum.unlistedPending
}

func (res *result) numbers() *numbers {
	return &numbers{
		totals: res.totals, projects: res.projects, lists: res.lists, unlisted: res.unlisted, unlistedPending: res.unlistedPending,
	}
}

// output is where a sync writes to.
type output interface {
	// held names the repositories that entries are held of, sorted.
	held() []string
	// write brings the entries of one repository to their place.
	write(ctx context.Context, repository fetch.Repository) error
	// forget removes the entries of repositories that are gone or no longer selected.
	forget(ctx context.Context, repositories []string) []fetch.Failure
	// finish adds what was written or kept to the result. unread names held
	// repositories that were not read.
	finish(ctx context.Context, unread []string, into *result) error
}

// sync reads Harbor and writes the output, each repository as it is read.
//
//  1. Find out what is held.
//  2. Read Harbor; the sink writes (fetch.Run).
//  3. Remove what Harbor no longer has or the spec no longer selects, only
//     after a run that came to its end.
//  4. Count what is there now.
func (r *Reconciler) sync(ctx context.Context, inv *v1alpha1.HarborInventory, p *plan, d decision, started metav1.Time) result {
	res := result{decision: d, started: started, received: r.options.Webhooks.On()}
	known := r.memory.recall(inv)
	res.audit = known.audit.says()
	ctx, cancel := context.WithTimeoutCause(ctx, inv.Spec.Timeout.Duration, errTimedOut)
	defer cancel()
	defer r.running.expect(inv.UID, started.Add(inv.Spec.Timeout.Duration+endLimit))()
	// 1.
	phase, end := tracedPhase(ctx, "look at lists")
	out, err := r.outputFor(phase, inv, p, d)
	end()
	if err != nil {
		res.err = err
		return res
	}
	held := out.held()
	s := newSink(out)
	stopProgress := func() {}
	if d.brings() { // the others change the status once, at their end
		stopProgress = r.showProgress(ctx, inv, s, started)
	}
	// 2.
	req := r.request(inv, p, held)
	if lists, ok := out.(*listOutput); ok && d.scope == scopeChanged {
		if req.Known = r.unmoved(inv, lists); req.Known != nil {
			lists.pushed = known.newestPush()
			req.Listed, req.ByProject = known.listings(r.now())
		}
	}
	phase, end = tracedPhase(ctx, "read Harbor")
	res.report, res.err = fetch.Run(phase, p.client, req, s)
	end()
	stopProgress()
	// 3.
	forget := map[string]bool{}
	if res.err == nil {
		for _, name := range res.report.Gone {
			forget[name] = true
		}
		for _, name := range held {
			if !p.selection.Repository(name) {
				forget[name] = true
			}
		}
		phase, end = tracedPhase(ctx, "remove lists")
		failures := out.forget(phase, slices.Sorted(maps.Keys(forget)))
		end()
		res.report.Failures = append(res.report.Failures, failures...)
	}
	// 4.
	if res.err == nil {
		known.noteListings(&res.report, r.now())
		_, res.byProject = known.listings(r.now())
		known.learned(res.report.Version, req.Known == nil)
	}
	res.cursor = r.auditCursor(inv, known)
	res.done, res.found = s.counts()
	unread := slices.DeleteFunc(held, func(name string) bool { return forget[name] || s.wrote(name) })
	phase, end = tracedPhase(context.WithoutCancel(ctx), "count")
	defer end()
	if err := out.finish(phase, unread, &res); err != nil {
		res.err = errors.Join(res.err, err)
	}
	res.duration = r.now().Sub(started.Time)
	return res
}

func (r *Reconciler) request(inv *v1alpha1.HarborInventory, p *plan, held []string) fetch.Request {
	return fetch.Request{
		Selection: p.selection,
		Query:     inv.Spec.Artifacts.Query,
		Narrow:    p.filter.Query(inv.Spec.Artifacts.Query),
		Details:   p.ask,
		Held:      held,
		Workers:   2 * int(inv.Spec.MaxConnections),
		Writers:   r.options.Writers,
	}
}

func (r *Reconciler) outputFor(ctx context.Context, inv *v1alpha1.HarborInventory, p *plan, d decision) (output, error) {
	lists, err := r.newListOutput(ctx, inv, p, d)
	if err != nil || inv.Spec.Output.Mode != v1alpha1.OutputStatus {
		return lists, err
	}
	return newStatusOutput(inv, p, lists), nil
}
