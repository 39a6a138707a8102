// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
)

// What a sync is about that the manager is killed in.
const (
	firstTime = "first sync"
	changed   = "sync after changes in Harbor"
	repacked  = "sync after a change of maxArtifactsPerList"
	idle      = "pause between syncs"
)

// killing is the state of the measurement.
type killing struct {
	*bed
	settings
	recorder *recorder
	witness  *witness
	random   *rand.Rand
	manager  *testbed.Process

	namespaces int
	namespace  string
	number     int // of changes in Harbor, for tags
	perList    int32
	usual      map[string]usual // by kind of sync
	tally      map[string]*tally
}

// usual is what an undisturbed sync takes: from the wish for it to its end, and
// in writes.
type usual struct {
	time   time.Duration
	writes int64
}

// kills ends the manager at random moments of syncs, lets another one finish the
// work, and looks whether everything is as if nothing had happened:
//
//  1. Wish for a sync: of a new inventory, after changes in Harbor, or for lists
//     of another size. Sometimes Harbor changes during the sync, too.
//  2. After a random part of the time that such a sync takes, or of the writes:
//     SIGKILL. Sometimes the next manager is killed as well.
//  3. Start the manager and let it end the sync.
//  4. Compare the lists with Harbor.
//
// Now and then it is killed while there is nothing to do; then the next one must
// not write anything. All the while a witness sees each version of each list.
func kills(ctx context.Context, p programs, s settings, out io.Writer) (err error) {
	k := &killing{
		settings: s, witness: &witness{}, random: rand.New(rand.NewPCG(s.seed, 0)), //nolint:gosec // to be repeated
		perList: 20, usual: map[string]usual{}, tally: map[string]*tally{},
	}
	if k.bed, err = newBed(ctx, p, "kills"); err != nil {
		return err
	}
	defer k.closing(&err)
	if err := errors.Join(k.startHarbor(ctx, s.dataset), k.prepareManager(ctx, s)); err != nil {
		return err
	}
	if k.recorder, err = k.record(ctx, k.witness.see); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, k.manager.Stop()) }()
	if err := k.rehearse(ctx); err != nil {
		return err
	}
	// A few more where, by chance, none came amid the writes of a sync.
	for done := 0; done < s.kills || k.amid() == 0 && done < 3*s.kills; {
		n, err := k.episode(ctx, k.draw(), 1+k.random.IntN(2))
		if err != nil {
			return fmt.Errorf("after %d kills, with the seed %d: %w", done, s.seed, err)
		}
		done += n
	}
	return k.report(out)
}

// draw chooses the next sync.
func (k *killing) draw() string {
	return []string{firstTime, firstTime, changed, changed, changed, repacked, idle}[k.random.IntN(7)]
}

// rehearse finds out how long each kind of sync takes undisturbed.
func (k *killing) rehearse(ctx context.Context) (err error) {
	if k.manager, err = k.startManager(); err != nil {
		return err
	}
	if err := k.await(ctx, k.probes); err != nil {
		return err
	}
	k.tally[idle] = &tally{}
	for _, kind := range []string{firstTime, changed, repacked} {
		k.tally[kind] = &tally{}
		before, err := k.recorder.catchUp(ctx)
		if err != nil {
			return err
		}
		started := time.Now()
		ended, err := k.wish(ctx, kind)
		if err != nil {
			return err
		}
		if _, err := k.awaitInventory(ctx, k.namespace, ended); err != nil {
			return err
		}
		took := time.Since(started)
		after, err := k.recorder.catchUp(ctx)
		if err != nil {
			return err
		}
		k.usual[kind] = usual{took, after - before}
		if err := k.compare(ctx); err != nil {
			return fmt.Errorf("%s, undisturbed: %w", kind, err)
		}
	}
	return nil
}

// episode is one sync with so many kills. It returns their number.
func (k *killing) episode(ctx context.Context, kind string, times int) (int, error) {
	before, err := k.recorder.catchUp(ctx)
	if err != nil {
		return 0, err
	}
	if kind == idle {
		return 1, k.restart(ctx, before)
	}
	ended, err := k.wish(ctx, kind)
	if err != nil {
		return 0, err
	}
	meanwhile := k.random.IntN(2) == 0
	if meanwhile {
		if err := k.disturb(ctx); err != nil {
			return 0, err
		}
	}
	var written []int64 // by the time of each kill
	for range times {
		if err := k.awaitMoment(ctx, kind, before); err != nil {
			return 0, err
		}
		if err := k.manager.Kill(); err != nil {
			return 0, err
		}
		so, err := k.recorder.catchUp(ctx)
		if err != nil {
			return 0, err
		}
		written = append(written, so-before)
		if k.manager, err = k.startManager(); err != nil {
			return 0, err
		}
	}
	if _, err := k.awaitInventory(ctx, k.namespace, ended); err != nil {
		return 0, err
	}
	all, err := k.recorder.catchUp(ctx)
	if err != nil {
		return 0, err
	}
	k.tally[kind].add(written, all-before)
	if meanwhile { // what changed during the sync is the next one's
		if err := k.syncNow(ctx, k.namespace); err != nil {
			return 0, err
		}
	}
	return times, k.compare(ctx)
}

// restart kills the manager while there is nothing to do, before which there had
// been so many writes, and looks whether the next one writes anything.
func (k *killing) restart(ctx context.Context, before int64) (err error) {
	if err := k.manager.Kill(); err != nil {
		return err
	}
	if k.manager, err = k.startManager(); err != nil {
		return err
	}
	if err := k.await(ctx, k.probes); err != nil {
		return err
	}
	if err := testbed.Pause(ctx, time.Second); err != nil { // for what it might do
		return err
	}
	after, err := k.recorder.catchUp(ctx)
	if err == nil && after != before {
		err = fmt.Errorf("a restart with nothing to do wrote %d lists", after-before)
	}
	k.tally[idle].before++
	return err
}

// awaitMoment waits for a random moment of a sync, before whose wish there had
// been so many writes.
func (k *killing) awaitMoment(ctx context.Context, kind string, before int64) error {
	part, byWrites := k.random.Float64(), k.random.IntN(2) == 0
	usual := k.usual[kind]
	if !byWrites {
		return testbed.Pause(ctx, time.Duration(part*float64(usual.time)))
	}
	deadline := time.Now().Add(2 * usual.time) // the writes may have been fewer this time
	for k.recorder.sofar() < before+1+int64(part*float64(usual.writes)) && time.Now().Before(deadline) {
		if err := testbed.Pause(ctx, time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// wish gives the manager a reason for a sync. It returns what tells its end.
func (k *killing) wish(ctx context.Context, kind string) (ended func(*v1alpha1.HarborInventory) bool, err error) {
	switch kind {
	case firstTime:
		return complete, k.another(ctx)
	case repacked:
		return complete, k.repack(ctx)
	}
	if err := k.disturb(ctx); err != nil {
		return nil, err
	}
	value, err := k.request(ctx, k.namespace)
	return handled(value), err
}

// another removes the inventory and makes a new one.
func (k *killing) another(ctx context.Context) error {
	held, err := k.harbor.Listed(ctx)
	if err != nil {
		return err
	}
	old := k.namespace
	k.namespaces++
	k.namespace = fmt.Sprintf("kills-%d", k.namespaces)
	k.witness.begin(k.namespace, held)
	if old != "" {
		inv := &v1alpha1.HarborInventory{ObjectMeta: metav1.ObjectMeta{Namespace: old, Name: inventoryName}}
		if err := errors.Join(k.kube.Delete(ctx, inv), k.kube.DeleteAllOf(ctx, &v1alpha1.ArtifactList{}, client.InNamespace(old))); err != nil {
			return err
		}
	}
	return k.createInventory(ctx, k.namespace, k.settings, func(spec *v1alpha1.HarborInventorySpec) {
		spec.Output.MaxArtifactsPerList = &k.perList
	})
}

// repack changes the bound of each list, down and up in turn.
func (k *killing) repack(ctx context.Context) error {
	for {
		inv := &v1alpha1.HarborInventory{}
		if err := k.kube.Get(ctx, client.ObjectKey{Namespace: k.namespace, Name: inventoryName}, inv); err != nil {
			return err
		}
		next := 35 - *inv.Spec.Output.MaxArtifactsPerList // 20, 15, 20, ...
		inv.Spec.Output.MaxArtifactsPerList = &next
		if err := k.kube.Update(ctx, inv); !apierrors.IsConflict(err) {
			return err
		}
	}
}

// disturb changes one artifact in each third repository.
func (k *killing) disturb(ctx context.Context) error {
	return k.witness.changing(func() ([]testbed.Artifact, error) {
		repositories, held, err := k.held(ctx)
		if err != nil {
			return nil, err
		}
		k.random.Shuffle(len(repositories), func(i, j int) { repositories[i], repositories[j] = repositories[j], repositories[i] })
		for _, repository := range repositories[:len(repositories)/3] {
			if err := k.disturbOne(ctx, repository, held[repository]); err != nil {
				return nil, err
			}
		}
		return k.harbor.Listed(ctx)
	})
}

func (k *killing) disturbOne(ctx context.Context, repository string, held []testbed.Artifact) error {
	k.number++
	tag := fmt.Sprintf("change-%d", k.number)
	at := k.random.IntN(len(held))
	switch k.random.IntN(4) {
	case 0:
		return k.harbor.Tag(ctx, repository, held[at].Digest, tag)
	case 1:
		if tags := held[at].Tags; len(tags) > 0 {
			return k.harbor.Tag(ctx, repository, held[k.random.IntN(len(held))].Digest, tags[0])
		}
	case 2:
		if len(held) > 10 {
			return k.harbor.Delete(ctx, repository, held[at].Digest)
		}
	}
	_, err := k.harbor.Push(ctx, repository, tag)
	return err
}

// compare looks at the lists and at what the witness has seen.
func (k *killing) compare(ctx context.Context) error {
	if _, err := k.recorder.catchUp(ctx); err != nil {
		return err
	}
	held, err := k.harbor.Listed(ctx)
	if err != nil {
		return err
	}
	inv := &v1alpha1.HarborInventory{}
	var lists v1alpha1.ArtifactListList
	if err := errors.Join(
		k.kube.Get(ctx, client.ObjectKey{Namespace: k.namespace, Name: inventoryName}, inv),
		k.kube.List(ctx, &lists, client.InNamespace(k.namespace)),
	); err != nil {
		return err
	}
	wrong := testbed.Differences(held, lists.Items)
	for i := range lists.Items {
		if l := &lists.Items[i]; !metav1.IsControlledBy(l, inv) || len(l.Artifacts) == 0 {
			wrong = append(wrong, fmt.Sprintf("list %s is empty or not owned by the inventory", l.Name))
		}
	}
	seen, n := k.witness.complaints()
	if len(wrong)+n == 0 {
		return nil
	}
	return fmt.Errorf("%d differences from Harbor, %d complaints of the witness:\n%s", len(wrong), n,
		strings.Join(append(wrong[:min(len(wrong), 10)], seen...), "\n"))
}
