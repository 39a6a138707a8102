// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"slices"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/receiver"
)

// named are those artifacts of a repository, by digest, that somebody says are not
// as they were; sorted. If there are none, any may differ.
type named struct {
	pushed  []string // or scanned
	deleted []string
}

// maxNamed bounds the artifacts of one repository that are kept in mind by name.
const maxNamed = 500

// any tells whether no artifact is named.
func (n named) any() bool { return len(n.pushed)+len(n.deleted) == 0 }

// and returns the artifacts that either is about. One that was pushed and deleted
// may have taken tags from any other in between.
func (n named) and(o named) named {
	if n.any() || o.any() {
		return named{}
	}
	both := named{pushed: union(n.pushed, o.pushed), deleted: union(n.deleted, o.deleted)}
	if len(both.pushed)+len(both.deleted) > maxNamed || len(union(both.pushed, both.deleted)) < len(both.pushed)+len(both.deleted) {
		return named{}
	}
	return both
}

func union(a, b []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(slices.Concat(a, b))))
}

// namedByLog returns, of each repository, the artifacts that entries tell to have
// been pushed or deleted; none of one of which they tell something else, or too much.
func namedByLog(entries []harbor.AuditEntry) map[string]named {
	all := map[string]named{}
	for _, e := range entries {
		var now named
		switch {
		case e.Digest == "":
		case e.Operation == "delete":
			now.deleted = []string{e.Digest}
		default:
			now.pushed = []string{e.Digest}
		}
		if before, seen := all[e.Repository]; seen {
			now = before.and(now)
		}
		all[e.Repository] = now
	}
	return all
}

// namedByWebhook returns the artifacts that a hint is about, if it is about no others.
func namedByWebhook(hint receiver.Hint) (all named) {
	if hint.Kinds&receiver.Retained != 0 {
		return named{} // it does not tell which
	}
	for _, a := range hint.Artifacts { // sorted
		switch {
		case !harbor.ValidDigest(a.Digest), a.Kinds&receiver.Pushed != 0 && a.Kinds&receiver.Deleted != 0:
			return named{}
		case a.Kinds&receiver.Deleted != 0:
			all.deleted = append(all.deleted, a.Digest)
		default:
			all.pushed = append(all.pushed, a.Digest)
		}
	}
	return all
}
