// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"slices"
	"strings"
	"time"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

// Name is the namespace and the name of a HarborInventory.
type Name struct{ Namespace, Name string }

// Kind says what happened, one bit for each kind of event.
type Kind uint8

// The kinds of events that a hint can stand for.
const (
	Pushed Kind = 1 << iota
	Deleted
	Scanned
	Retained // a retention run deleted something
)

// Hint asks to look at something in Harbor again.
type Hint struct {
	// Inventory that the events were sent to, and its Harbor as [Secrets] gave it.
	Inventory Name
	Harbor    string
	// Project and Repository, by its full name. Without Repository the hint is
	// about the whole project; without Project about all that the inventory has.
	Project, Repository string
	// Artifacts of the repository that the events named, at most 16, in the order
	// of their digests. None means the whole repository.
	Artifacts []Artifact
	// Kinds of the events.
	Kinds Kind
	// Events that were folded into the hint.
	Events int
	// Received is when the first of them came.
	Received time.Time
}

// Artifact is one that events named.
type Artifact struct {
	Digest string
	// Kinds of the events that named it.
	Kinds Kind
	// Scan is the summary of the last event that had one. It is as little proof
	// as everything in a hint.
	Scan *harbor.ScanOverview
}

// maxArtifacts bounds Hint.Artifacts.
const maxArtifacts = 16

// kinds of events that ask for something. A push follows each QUOTA_WARNING, no
// push came about with QUOTA_EXCEED, and what is replicated into Harbor is
// pushed: these need no hint of their own.
var kinds = map[harbor.EventType]Kind{
	harbor.EventPush:          Pushed,
	harbor.EventDelete:        Deleted,
	harbor.EventScanCompleted: Scanned,
	harbor.EventScanFailed:    Scanned,
	harbor.EventScanStopped:   Scanned,
	harbor.EventTagRetention:  Retained,
}

// hints makes hints of an event: one for each repository, none for an event
// that changes nothing in an inventory.
func hints(inventory Name, endpoint string, e harbor.Event, received time.Time) []Hint {
	hint := Hint{
		Inventory: inventory, Harbor: endpoint, Project: e.Project,
		Kinds: kinds[e.Type], Events: 1, Received: received,
	}
	if hint.Kinds == 0 {
		return nil
	}
	if len(e.Repositories) == 0 {
		return []Hint{hint}
	}
	if len(e.Artifacts) <= maxArtifacts {
		for _, a := range e.Artifacts {
			hint.Artifacts = withArtifact(hint.Artifacts, Artifact{Digest: a.Digest, Kinds: hint.Kinds, Scan: a.Scan})
		}
	}
	all := make([]Hint, 0, len(e.Repositories))
	for _, repository := range e.Repositories {
		hint.Repository = repository
		all = append(all, hint)
	}
	return all
}

// withArtifact returns artifacts with a, too.
func withArtifact(artifacts []Artifact, a Artifact) []Artifact {
	at, found := slices.BinarySearchFunc(artifacts, a, func(x, y Artifact) int { return strings.Compare(x.Digest, y.Digest) })
	if !found {
		return slices.Insert(artifacts, at, a)
	}
	artifacts[at].Kinds |= a.Kinds
	if a.Scan != nil {
		artifacts[at].Scan = a.Scan
	}
	return artifacts
}

// merge adds what other asks for. The hint keeps its project and repository,
// which must cover those of other.
func (h *Hint) merge(other Hint) {
	h.Kinds |= other.Kinds
	h.Events += other.Events
	if other.Received.Before(h.Received) {
		h.Received = other.Received
	}
	if h.Repository != other.Repository || len(h.Artifacts) == 0 || len(other.Artifacts) == 0 {
		h.Artifacts = nil
		return
	}
	artifacts := slices.Clone(h.Artifacts)
	for _, a := range other.Artifacts {
		artifacts = withArtifact(artifacts, a)
	}
	if len(artifacts) > maxArtifacts {
		artifacts = nil
	}
	h.Artifacts = artifacts
}
