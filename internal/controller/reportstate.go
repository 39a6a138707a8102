// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/vulnerability"
)

// reports remembers what became of the vulnerability reports of all inventories.
// It is lost with the process: without it every report is read once more, and
// none is written that is right.
type reports struct {
	mu sync.Mutex
	of map[types.NamespacedName]*reportState
}

func newReports() *reports { return &reports{of: map[types.NamespacedName]*reportState{}} }

// reportState is what is remembered of one inventory, of one generation of its spec.
type reportState struct {
	uid        types.UID
	generation int64

	mu sync.Mutex
	// dirty: the lists, or a report, are not as they were when it was chosen last.
	dirty    bool
	chosen   map[string]bool      // names of reports
	verified map[string]time.Time // when they were read
	failures map[string]reportFailure
	// shown are the artifacts that the status showed then; for output.mode Status.
	shown []v1alpha1.RepositoryArtifact
	// looked is when it was chosen last, from so many lists.
	looked time.Time
	lists  int
}

// reportFailure is what was wrong at the last try, and when the next one is due.
type reportFailure struct {
	told  v1alpha1.ReportFailure
	basis vulnerability.Basis
	tries int
	next  time.Time
}

// Bounds of the pause before a report is read again that could not be read.
const (
	firstReportRetry = time.Minute
	lastReportRetry  = time.Hour
)

func (s *reports) recall(inv *v1alpha1.HarborInventory) *reportState {
	s.mu.Lock()
	defer s.mu.Unlock()
	state := s.of[client.ObjectKeyFromObject(inv)]
	if state == nil || state.uid != inv.UID || state.generation < inv.Generation {
		fresh := &reportState{
			uid: inv.UID, generation: inv.Generation, dirty: true,
			chosen: map[string]bool{}, verified: map[string]time.Time{}, failures: map[string]reportFailure{},
		}
		if state != nil && state.uid == inv.UID {
			fresh.verified = state.verified
		}
		state = fresh
		s.of[client.ObjectKeyFromObject(inv)] = state
	}
	return state
}

func (s *reports) forget(name types.NamespacedName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.of, name)
}

// watch returns a handler that has an inventory looked at after a pause, when
// something happened to one of its objects that counts.
func (s *reports) watch(pause time.Duration, counts func(client.Object) bool, inventory func(client.Object) string) handler.EventHandler {
	note := func(q queue, object client.Object, deleted bool) {
		key := types.NamespacedName{Namespace: object.GetNamespace(), Name: inventory(object)}
		s.mu.Lock()
		state := s.of[key]
		s.mu.Unlock()
		if key.Name == "" || state == nil || !counts(object) && !(deleted && state.wants(object.GetName())) {
			return
		}
		state.mu.Lock()
		state.dirty = true
		state.mu.Unlock()
		q.AddAfter(reconcile.Request{NamespacedName: key}, pause)
	}
	return handler.Funcs{
		CreateFunc: func(_ context.Context, ev event.CreateEvent, q queue) { note(q, ev.Object, false) },
		UpdateFunc: func(_ context.Context, ev event.UpdateEvent, q queue) { note(q, ev.ObjectNew, false) },
		DeleteFunc: func(_ context.Context, ev event.DeleteEvent, q queue) { note(q, ev.Object, true) },
	}
}

// disturbed tells from its metadata whether somebody else has changed a report.
func (*reports) disturbed(report client.Object) bool { return !soundReport(report) }

// soundReport tells from its metadata whether a report may be as the operator left it.
func soundReport(report client.Object) bool {
	annotations, labels := report.GetAnnotations(), report.GetLabels()
	basis, err := vulnerability.ParseBasis(annotations[v1alpha1.AnnotationBasis])
	return err == nil && basis.MaxBytes > 0 && statesOwner(report) && labels[v1alpha1.LabelInventory] == reportInventory(report) &&
		labels[v1alpha1.LabelProject] != "" && labels[v1alpha1.LabelRepositoryHash] != "" &&
		annotations[v1alpha1.AnnotationWrittenGeneration] == strconv.FormatInt(report.GetGeneration(), 10)
}

// wants tells whether a report was among the chosen ones.
func (s *reportState) wants(report string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.chosen[report]
}

// pause returns for how long there is nothing to do; 0: it is time. Choosing is
// never done more often than once in a pause, which grows with the number of lists.
func (s *reportState) pause(now time.Time, pause, verifyEvery time.Duration) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.looked.IsZero() {
		return 0
	}
	due := s.looked.Add(verifyEvery)
	for name := range s.chosen {
		at := s.verified[name].Add(verifyEvery)
		if f, failed := s.failures[name]; failed {
			at = f.next
		}
		if at.Before(due) {
			due = at
		}
	}
	if s.dirty && due.After(now) {
		due = now
	}
	earliest := s.looked.Add(max(pause, time.Duration(s.lists)*reportPausePerList))
	if due.Before(earliest) {
		due = earliest
	}
	return max(0, due.Sub(now))
}

// begin notes that it is being chosen.
func (s *reportState) begin(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dirty, s.looked = false, now
}

// chose notes what was chosen.
func (s *reportState) chose(chosen []vulnerability.Candidate, lists int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lists = lists
	s.chosen = map[string]bool{}
	for _, c := range chosen {
		s.chosen[c.Name] = true
	}
	for name := range s.verified {
		if !s.chosen[name] {
			delete(s.verified, name)
		}
	}
	for name := range s.failures {
		if !s.chosen[name] {
			delete(s.failures, name)
		}
	}
}

// note notes which artifacts the status shows.
func (s *reportState) note(shown []v1alpha1.RepositoryArtifact) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !equality.Semantic.DeepEqual(s.shown, shown) {
		s.dirty, s.shown = true, shown
	}
}

// again makes sure that it is chosen anew as soon as may be.
func (s *reportState) again() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dirty = true
}

func (s *reportState) read(name string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.verified[name] = at
	delete(s.failures, name)
}

func (s *reportState) verifiedAt(name string) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.verified[name]
}

// fail notes a failure. The pause before the next try doubles each time.
func (s *reportState) fail(c *vulnerability.Candidate, told v1alpha1.ReportFailure, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.failures[c.Name]
	f.told, f.basis = told, c.Basis
	f.next = now.Add(min(lastReportRetry, firstReportRetry<<min(f.tries, 6)))
	f.tries++
	s.failures[c.Name] = f
}

// waits tells whether the next try of a report that failed is yet to come.
func (s *reportState) waits(c *vulnerability.Candidate, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, failed := s.failures[c.Name]
	return failed && f.basis == c.Basis && f.next.After(now)
}

// told returns the failures for the status, sorted, each once.
func (s *reportState) told() (all []v1alpha1.ReportFailure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.failures {
		if !slices.Contains(all, f.told) {
			all = append(all, f.told)
		}
	}
	slices.SortFunc(all, func(a, b v1alpha1.ReportFailure) int {
		return cmp.Or(cmp.Compare(a.Repository, b.Repository), cmp.Compare(a.Digest, b.Digest), cmp.Compare(a.Message, b.Message))
	})
	return all[:min(maxReportFailures, len(all))]
}

// maxReportFailures bounds the failures in the status, as in the API.
const maxReportFailures = 10
