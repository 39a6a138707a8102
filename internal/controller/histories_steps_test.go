// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// act does what a step says, as far as it can be done.
func (h *history) act(s historyStep) {
	if s.action >= rewindAuditLog {
		h.trouble(s)
		return
	}
	registry := h.realm.registry
	before := registry.Sequence()
	if s.unlogged {
		registry.SetAuditLog(false)
		defer registry.SetAuditLog(true)
	}
	h.change(s)
	if registry.Sequence() == before {
		return
	}
	h.told.Changes++
	if s.unlogged {
		h.told.Unlogged++
	}
	if s.action == label || s.action == unlabel || s.action == collectGarbage {
		h.told.Silent++
	}
}

// change changes what Harbor holds. Each single change is looked at by itself.
func (h *history) change(s historyStep) {
	registry := h.realm.registry
	repository := historyRepositories[s.repository%len(historyRepositories)]
	some, _ := choose(h.listed(repository), s.object)
	tag := fmt.Sprintf("t%d", s.object%7)
	push := func(image harbortest.Image) (digest string) {
		digest, err := registry.TryPush(repository, image)
		h.do(err)
		return digest
	}
	switch s.action {
	case pushUntagged:
		push(harbortest.Image{})
	case pushTag, pushTagAgain:
		push(harbortest.Image{Tags: []string{tag}})
	case tagByAPI:
		h.do(registry.AddTag(repository, some.Digest, tag))
	case untagByAPI:
		h.do(registry.DeleteTag(repository, tag))
	case moveTagByAPI:
		h.do(registry.DeleteTag(repository, tag))
		h.do(registry.AddTag(repository, some.Digest, tag))
	case deleteArtifact:
		h.do(registry.DeleteArtifact(repository, some.Digest))
	case label:
		h.do(registry.AddLabel(repository, some.Digest, h.labels[s.object%len(h.labels)]))
	case unlabel:
		h.do(registry.RemoveLabel(repository, some.Digest, h.labels[s.object%len(h.labels)]))
	case pushIndex:
		children := []harbortest.Child{{Digest: push(harbortest.Image{})}}
		if some.Digest != "" {
			children = append(children, harbortest.Child{Digest: some.Digest})
		}
		registry.PushIndex(repository, harbortest.Index{Image: harbortest.Image{Tags: []string{tag}}, Children: children})
		h.witness.look()
	case pull:
		h.do(registry.Pull(repository, some.Digest))
	case deleteRepository:
		h.do(registry.DeleteRepository(repository))
		for range s.object % 3 { // make it again, or not
			push(harbortest.Image{Tags: []string{tag}})
		}
	case collectGarbage:
		registry.CollectGarbage()
		h.witness.look()
	case retention:
		h.do(registry.RunRetention(repository, s.object%4))
	case project:
		if name := fmt.Sprintf("extra%d", s.object%2); registry.CreateProject(name, s.object%3 == 0) == nil {
			_, err := registry.TryPush(name+"/app", harbortest.Image{Tags: []string{tag}})
			h.do(err)
		} else {
			h.do(registry.DeleteRepository(name + "/app"))
			h.do(registry.DeleteProject(name))
		}
	}
}

// trouble is what happens to Harbor and to the operator.
func (h *history) trouble(s historyStep) {
	w := h.realm
	pause := time.Duration(s.object) * time.Second
	switch s.action {
	case rewindAuditLog:
		h.told.Rewinds++
		w.registry.RewindAudit(w.registry.NewestAudit() - int64(s.object%20))
	case repack:
		h.told.Repacks++
		perList := int32(1 + s.object%5)
		w.edit(func(inv *v1alpha1.HarborInventory) { inv.Spec.Output.MaxArtifactsPerList = &perList })
	case request, requestAgain:
		h.told.Requests++
		w.edit(func(inv *v1alpha1.HarborInventory) {
			inv.Annotations = map[string]string{v1alpha1.AnnotationRequestedAt: time.Now().String()}
		})
	case disturbHarbor:
		h.told.Faults++
		faults := []harbortest.Fault{
			harbortest.CoreDown(), harbortest.InternalError(), harbortest.Anonymous(), harbortest.Reset(), harbortest.InvalidJSON(),
			harbortest.HTML(), harbortest.DatabaseShort(harbortest.TypicalShortage), harbortest.DatabaseShort(harbortest.Shortage{Drop: 0.3}),
		}
		end := w.harbor.Inject(harbortest.Rule{Rate: []float64{0.1, 0.5, 1}[s.repository%3], Fault: faults[s.object%len(faults)]})
		h.restores = append(h.restores, end)
		time.AfterFunc(pause, end)
	case restartHarbor:
		h.told.HarborRestarts++
		w.restartHarbor(pause)
	case restartOperator:
		if w.operator == nil {
			return
		}
		h.told.OperatorRestarts++
		if w.stop() {
			h.told.AmidSync++
		}
		time.Sleep(pause / 4)
		w.start()
	}
}

// countLayers tells how many repositories were read for webhooks and for the
// audit log, and how many changes verification found.
func countLayers() (n [3]int) {
	n[0] = int(testutil.ToFloat64(hintedReads.WithLabelValues(byWebhook.String(), "succeeded")))
	n[1] = int(testutil.ToFloat64(hintedReads.WithLabelValues(byAuditLog.String(), "succeeded")))
	n[2] = int(testutil.ToFloat64(drift))
	return n
}

// listWitness follows every version of every list, and complains of an artifact
// that was in one, that Harbor has held ever since, and that is in none any more,
// and of one that Harbor never had.
type listWitness struct {
	registry *harbortest.Registry

	mu         sync.Mutex
	now        int            // counts looks
	held       map[string]int // since when Harbor holds it
	ever       map[string]bool
	places     map[string]int // number of lists that it is in
	shown      map[string]int // since when it is in one
	complaints []string
}

func newListWitness(registry *harbortest.Registry) *listWitness {
	return &listWitness{registry: registry, held: map[string]int{}, ever: map[string]bool{}, places: map[string]int{}, shown: map[string]int{}}
}

// look looks what Harbor holds.
func (w *listWitness) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lookNow()
}

func (w *listWitness) lookNow() {
	w.now++
	listed, _ := w.registry.Listed()
	now := map[string]bool{}
	for _, a := range listed {
		id := a.Repository + "@" + a.Digest
		now[id], w.ever[id] = true, true
		if _, known := w.held[id]; !known {
			w.held[id] = w.now
		}
	}
	for id := range w.held {
		if !now[id] {
			delete(w.held, id)
		}
	}
}

func (w *listWitness) see(before, after *v1alpha1.ArtifactList) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lookNow()
	if after != nil {
		for _, e := range after.Artifacts {
			id := after.Repository + "@" + e.Digest
			if w.places[id]++; w.places[id] == 1 {
				w.shown[id] = w.now
			}
			if !w.ever[id] {
				w.complaints = append(w.complaints, "a list shows "+id+", which Harbor never listed")
			}
		}
	}
	if before != nil {
		for _, e := range before.Artifacts {
			id := before.Repository + "@" + e.Digest
			w.places[id]--
			if since, held := w.held[id]; w.places[id] == 0 && held && since <= w.shown[id] {
				w.complaints = append(w.complaints, id+" is in no list any more, and Harbor has held it ever since it was")
			}
		}
	}
}
