// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/receiver"
)

var comparingNamed = cmp.Options{cmp.AllowUnexported(named{}), cmpopts.EquateEmpty()}

// What hints name together is what either names, no matter in which order they
// come; anything may differ where one does not tell, where they are too many, and
// where an artifact was pushed and deleted.
func TestNamedTogether(t *testing.T) {
	digests := rapid.SliceOfN(rapid.StringMatching(`[a-h]`), 0, 4)
	few := rapid.Custom(func(t *rapid.T) named {
		n := named{pushed: union(digests.Draw(t, "pushed"), nil)}
		n.deleted = slices.DeleteFunc(union(digests.Draw(t, "deleted"), nil), func(d string) bool { return slices.Contains(n.pushed, d) })
		return n
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := few.Draw(t, "a"), few.Draw(t, "b"), few.Draw(t, "c")
		ab := a.and(b)
		if diff := cmp.Diff(ab, b.and(a), comparingNamed); diff != "" {
			t.Errorf("in another order:\n%s", diff)
		}
		if diff := cmp.Diff(ab.and(c), a.and(b.and(c)), comparingNamed); diff != "" {
			t.Errorf("in other steps:\n%s", diff)
		}
		pushed, deleted := union(a.pushed, b.pushed), union(a.deleted, b.deleted)
		both := slices.ContainsFunc(pushed, func(d string) bool { return slices.Contains(deleted, d) })
		want := named{pushed: pushed, deleted: deleted}
		if a.any() || b.any() || both {
			want = named{}
		}
		if diff := cmp.Diff(want, ab, comparingNamed); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	many := named{}
	for i := range maxNamed {
		many.pushed = append(many.pushed, fmt.Sprintf("%04d", i))
	}
	if all := many.and(named{deleted: []string{"x"}}); !all.any() {
		t.Errorf("%d are kept in mind", len(all.pushed)+len(all.deleted))
	}
}

func TestNamedByLog(t *testing.T) {
	entry := func(text string) harbor.AuditEntry {
		fields := strings.Fields(text + " ")
		e := harbor.AuditEntry{Operation: fields[0], Repository: fields[1]}
		if len(fields) > 2 {
			e.Digest = fields[2]
		}
		return e
	}
	var entries []harbor.AuditEntry
	for _, text := range []string{
		"create a 2", "create a 1", "create a 2", "delete b 1", "create b 2", "create c 1", "delete c 1", "create d 1", "delete d", "create d 2",
	} {
		entries = append(entries, entry(text))
	}
	want := map[string]named{"a": {pushed: []string{"1", "2"}}, "b": {pushed: []string{"2"}, deleted: []string{"1"}}, "c": {}, "d": {}}
	if diff := cmp.Diff(want, namedByLog(entries), comparingNamed); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestNamedByWebhook(t *testing.T) {
	const a, b = shared, "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	all := func(kinds receiver.Kind, artifacts ...receiver.Artifact) receiver.Hint {
		return receiver.Hint{Kinds: kinds, Artifacts: artifacts}
	}
	for name, test := range map[string]struct {
		hint receiver.Hint
		want named
	}{
		"a push and a deletion": {
			all(receiver.Pushed|receiver.Deleted, receiver.Artifact{Digest: a, Kinds: receiver.Pushed}, receiver.Artifact{Digest: b, Kinds: receiver.Deleted}),
			named{pushed: []string{a}, deleted: []string{b}},
		},
		"a scan": {all(receiver.Scanned, receiver.Artifact{Digest: a, Kinds: receiver.Scanned}), named{pushed: []string{a}}},
		"one that was scanned and deleted": {
			all(receiver.Scanned|receiver.Deleted, receiver.Artifact{Digest: a, Kinds: receiver.Scanned | receiver.Deleted}), named{deleted: []string{a}},
		},
		"one that was pushed and deleted": {
			all(receiver.Pushed|receiver.Deleted, receiver.Artifact{Digest: a, Kinds: receiver.Pushed | receiver.Deleted}, receiver.Artifact{Digest: b, Kinds: receiver.Pushed}),
			named{},
		},
		"a retention run": {all(receiver.Deleted|receiver.Retained, receiver.Artifact{Digest: a, Kinds: receiver.Deleted}), named{}},
		"no digest":       {all(receiver.Pushed, receiver.Artifact{Digest: "latest", Kinds: receiver.Pushed}), named{}},
		"nothing":         {all(receiver.Pushed), named{}},
	} {
		if diff := cmp.Diff(test.want, namedByWebhook(test.hint), comparingNamed); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
