// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/shard"
)

// metadataOf is the metadata of list i as the API server sends it, decoded.
func metadataOf(tb testing.TB, i int) *metav1.PartialObjectMetadata {
	tb.Helper()
	repository := fmt.Sprintf("team-%03d/backend/service-%d", i%20, i)
	m := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
		Namespace: "production", Name: shard.NewNamer("all", repository).Name(0), ResourceVersion: fmt.Sprint(100_000 + i), Generation: 1,
		UID: types.UID(fmt.Sprintf("00000000-0000-0000-0000-%012d", i)),
		Labels: map[string]string{
			v1alpha1.LabelInventory: "all", v1alpha1.LabelProject: repository[:8], v1alpha1.LabelRepositoryHash: shard.RepositoryHash(repository),
		},
		Annotations: map[string]string{
			v1alpha1.AnnotationRepository: repository, v1alpha1.AnnotationContentHash: shard.HashEntries(nil).String(), v1alpha1.AnnotationWrittenGeneration: "1",
		},
		OwnerReferences: []metav1.OwnerReference{{
			APIVersion: v1alpha1.GroupVersion.String(), Kind: "HarborInventory", Name: "all", UID: "00000000-0000-0000-0000-000000000000",
			Controller: new(true), BlockOwnerDeletion: new(true),
		}},
	}}
	encoded, err := m.Marshal()
	if err != nil {
		tb.Fatal(err)
	}
	decoded := &metav1.PartialObjectMetadata{}
	if err := decoded.Unmarshal(encoded); err != nil {
		tb.Fatal(err)
	}
	return decoded
}

func TestTransformChangesNothingElse(t *testing.T) {
	want := metadataOf(t, 1)
	given := want.DeepCopy()
	given.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "somebody"}}
	got, err := Transform()(given)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(any(want), got); diff != "" {
		t.Errorf("wanted (-), got (+):\n%s", diff)
	}
}

// The heap that the cache of lists takes for each, before and after.
func BenchmarkMetadataInCache(b *testing.B) {
	const lists = 5000
	for name, change := range map[string]func(any) (any, error){
		"stripped":    func(m any) (any, error) { return m, nil },
		"transformed": Transform(),
	} {
		b.Run(name, func(b *testing.B) {
			held := make([]any, lists)
			used := func() float64 {
				runtime.GC()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				return float64(m.HeapAlloc)
			}
			for b.Loop() {
				clear(held)
				before := used()
				for i := range held {
					var err error
					if held[i], err = change(metadataOf(b, i)); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric((used()-before)/lists, "B/list")
			}
			runtime.KeepAlive(held)
		})
	}
}
