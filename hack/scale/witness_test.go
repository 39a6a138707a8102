// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
)

func listed(texts ...string) []testbed.Artifact {
	var all []testbed.Artifact
	for _, text := range texts {
		digest, tags, _ := strings.Cut(text, ":")
		all = append(all, testbed.Artifact{Repository: "p/r", Digest: digest, Tags: strings.Fields(tags)})
	}
	return all
}

func version(name string, texts ...string) *v1alpha1.ArtifactList {
	l := &v1alpha1.ArtifactList{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name}, Repository: "p/r"}
	for _, a := range listed(texts...) {
		l.Artifacts = append(l.Artifacts, v1alpha1.ArtifactEntry{Digest: a.Digest, Tags: a.Tags})
	}
	return l
}

func TestWitness(t *testing.T) {
	for _, tt := range []struct {
		about string
		tell  func(w *witness)
		want  string // part of the one complaint; "" for none
	}{
		{"all is well", func(w *witness) {
			w.see(watch.Added, version("0", "a:1", "b:2 3"))
		}, ""},
		{"an entry moves by way of two lists", func(w *witness) {
			w.see(watch.Added, version("0", "a:1", "b:2 3"))
			w.see(watch.Added, version("1", "b:3 2"))
			w.see(watch.Modified, version("0", "a:1"))
		}, ""},
		{"an entry moves by way of none", func(w *witness) {
			w.see(watch.Added, version("0", "a:1", "b:2 3"))
			w.see(watch.Modified, version("0", "a:1"))
			w.see(watch.Added, version("1", "b:2 3"))
		}, "p/r@b is in no list any more"},
		{"a list is deleted", func(w *witness) {
			w.see(watch.Added, version("0", "a:1"))
			w.see(watch.Deleted, version("0", "a:1"))
		}, "p/r@a is in no list any more"},
		{"Harbor deletes an artifact", func(w *witness) {
			w.see(watch.Added, version("0", "a:1", "b:2 3"))
			must(w.changing(func() ([]testbed.Artifact, error) { return listed("a:1"), nil }))
			w.see(watch.Modified, version("0", "a:1"))
		}, ""},
		{"invented artifact", func(w *witness) {
			w.see(watch.Added, version("0", "x:1"))
		}, "p/r@x is no artifact of Harbor's"},
		{"invented tag", func(w *witness) {
			w.see(watch.Added, version("0", "a:9"))
		}, `p/r@a shows the tags "9"`},
		{"the new form", func(w *witness) {
			w.see(watch.Added, version("0", "a:1"))
			must(w.changing(func() ([]testbed.Artifact, error) { return listed("a:1 4", "b:2 3"), nil }))
			w.see(watch.Modified, version("0", "a:1 4"))
		}, ""},
		{"the old form once more", func(w *witness) {
			must(w.changing(func() ([]testbed.Artifact, error) { return listed("a:1 4", "b:2 3"), nil }))
			w.see(watch.Added, version("0", "a:1 4"))
			w.see(watch.Modified, version("0", "a:1"))
		}, `p/r@a shows the tags "1"`},
		{"another namespace", func(w *witness) {
			l := version("0", "x:1")
			l.Namespace = "other"
			w.see(watch.Added, l)
		}, ""},
	} {
		t.Run(tt.about, func(t *testing.T) {
			w := &witness{}
			w.begin("ns", listed("a:1", "b:2 3"))
			tt.tell(w)
			found, n := w.complaints()
			switch {
			case tt.want == "" && n > 0:
				t.Errorf("complaints %q", found)
			case tt.want != "" && (n != 1 || !strings.Contains(found[0], tt.want)):
				t.Errorf("complaints %q, want %q", found, tt.want)
			}
		})
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
