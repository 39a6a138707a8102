// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/fetch"
)

// sink passes repositories on to the output and counts them.
type sink struct {
	out output

	mu    sync.Mutex
	found int
	names map[string]bool // written
}

func newSink(out output) *sink { return &sink{out: out, names: map[string]bool{}} }

func (s *sink) Found(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.found += n
}

func (s *sink) Repository(ctx context.Context, repository fetch.Repository) error {
	ctx, end := tracedRepository(ctx, &repository)
	err := s.out.write(ctx, repository)
	end(err)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names[repository.Name] = true
	return nil
}

func (s *sink) counts() (done, found int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.names), s.found
}

func (s *sink) wrote(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.names[name]
}

// progressInterval is the pause between two updates of status.progress. A sync
// that is over sooner shows none.
const progressInterval = 2 * time.Second

// showProgress writes status.progress while the sync runs, until the returned
// function is called. A failed write is tried again at the next tick.
func (r *Reconciler) showProgress(ctx context.Context, inv *v1alpha1.HarborInventory, s *sink, started metav1.Time) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	finished := make(chan struct{})
	shown := inv.DeepCopy() // the writers read inv meanwhile
	go func() {
		defer close(finished)
		ticker := time.NewTicker(progressInterval)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			done, found := s.counts()
			before := shown.DeepCopy()
			shown.Status.Progress = &v1alpha1.SyncProgress{
				StartedAt: started, RepositoriesDone: int32(done), RepositoriesTotal: int32(found), //nolint:gosec // far below 2^31
			}
			_ = r.client.Status().Patch(ctx, shown, client.MergeFrom(before))
		}
	}()
	return func() {
		cancel()
		<-finished
		inv.Status.Progress = shown.Status.Progress
	}
}
