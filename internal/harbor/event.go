// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"errors"
	"io"
	"slices"
	"strings"
)

// Event is what a webhook of Harbor tells, in the Default or the CloudEvents
// format. Nothing in it is proof of anything: whoever knows the receiver's
// Authorization value can send one.
type Event struct {
	// Type is Harbor's, in the words of a webhook policy: PUSH_ARTIFACT. One
	// that this package does not know is empty.
	Type EventType
	// ID is unique to an event in the CloudEvents format, the same in every
	// delivery of it. The Default format has none.
	ID string
	// OccurredAt as it was sent, in seconds since 1970 or as RFC 3339; in both
	// formats no finer than a second.
	OccurredAt string
	// Project that the event is about.
	Project string
	// Repositories that it is about, by full name, each once. None means all of
	// the project's: there were too many, or they were not named.
	Repositories []string
	// Artifacts that it is about, of the one repository. None means all of it.
	Artifacts []EventArtifact
}

// EventArtifact is one of the resources of an event.
type EventArtifact struct {
	Digest string
	// Tag that was pushed, pulled or deleted, the first of several. Without a
	// tag Harbor sends the digest here, or nothing.
	Tag string
	// Scan is the summary that SCANNING_COMPLETED brings of a vulnerability scan.
	Scan *ScanOverview
}

// EventType is the name of an event in a webhook policy.
type EventType string

// The events that Harbor offers (src/controller/event/topic.go).
const (
	EventPush          EventType = "PUSH_ARTIFACT"
	EventPull          EventType = "PULL_ARTIFACT"
	EventDelete        EventType = "DELETE_ARTIFACT"
	EventScanCompleted EventType = "SCANNING_COMPLETED"
	EventScanFailed    EventType = "SCANNING_FAILED"
	EventScanStopped   EventType = "SCANNING_STOPPED"
	EventQuotaExceed   EventType = "QUOTA_EXCEED"
	EventQuotaWarning  EventType = "QUOTA_WARNING"
	EventReplication   EventType = "REPLICATION"
	EventTagRetention  EventType = "TAG_RETENTION"
)

// cloudEvents are the events' names in the CloudEvents format
// (src/pkg/notifier/formats/cloudevents.go).
var cloudEvents = map[string]EventType{
	"harbor.artifact.pushed":            EventPush,
	"harbor.artifact.pulled":            EventPull,
	"harbor.artifact.deleted":           EventDelete,
	"harbor.scan.completed":             EventScanCompleted,
	"harbor.scan.failed":                EventScanFailed,
	"harbor.scan.stopped":               EventScanStopped,
	"harbor.quota.exceeded":             EventQuotaExceed,
	"harbor.quota.warned":               EventQuotaWarning,
	"harbor.replication.status.changed": EventReplication,
	"harbor.tag_retention.finished":     EventTagRetention,
}

var defaultEvents = []EventType{
	EventPush, EventPull, EventDelete, EventScanCompleted, EventScanFailed, EventScanStopped,
	EventQuotaExceed, EventQuotaWarning, EventReplication, EventTagRetention,
}

// Errors of [DecodeEvent]. Anything else that it returns is [ErrInvalidEvent] too.
var (
	// ErrInvalidEvent: no JSON object, or none that Harbor would send.
	ErrInvalidEvent = errors.New("no event of Harbor")
	// ErrSlackEvent: the policy sends to Slack; what a program can read are its
	// types http and payload formats Default and CloudEvents.
	ErrSlackEvent = errors.New("an event in the Slack format: set the webhook policy's type to http and its payload format to Default or CloudEvents")
	// ErrEventName: a name or digest that Harbor cannot have.
	ErrEventName = errors.New("an event with a name that Harbor does not allow")
)

// Bounds of what is kept of one event.
const (
	maxEventArtifacts    = 64
	maxEventRepositories = 256
)

// event is one being decoded: its parts come in any order.
type event struct {
	Event
	name      string // of the type
	cloud     bool
	slack     bool
	namespace string
	rest      string // of the repository's name
	full      string
	retention retention
	more      bool // artifacts than are kept
}

type retention struct {
	project string
	names   []string // of repositories, without the project's
	unclear bool     // there are others
}

// DecodeEvent reads the body of a webhook, in as little memory as what is kept
// of it takes. The caller bounds the body's length.
func DecodeEvent(body io.Reader) (Event, error) {
	e, err := single(body, decodeEvent)
	switch {
	case e.name == "" && e.slack: // even if it is no JSON: Harbor puts line feeds into texts
		return Event{}, ErrSlackEvent
	case err != nil:
		return Event{}, errors.Join(ErrInvalidEvent, err)
	case e.name == "":
		return Event{}, ErrInvalidEvent
	}
	return e.settle()
}

func decodeEvent(d *decoder, e *event) error {
	return d.object(func(name string) error {
		switch name {
		case "type":
			return d.text(&e.name)
		case "id":
			return d.text(&e.ID)
		case "specversion":
			e.cloud = true
			return d.skip()
		case "blocks":
			e.slack = true
			return d.skip()
		case "occur_at":
			return d.digits(&e.OccurredAt)
		case "time":
			return d.text(&e.OccurredAt)
		case "event_data", "data":
			return decodeEventData(d, e)
		default:
			return d.skip()
		}
	})
}

func decodeEventData(d *decoder, e *event) error {
	return d.object(func(name string) error {
		switch name {
		case "resources":
			return decodeResources(d, e)
		case "repository":
			return decodeEventRepository(d, e)
		case "retention":
			return decodeRetention(d, &e.retention)
		default:
			return d.skip()
		}
	})
}

func decodeResources(d *decoder, e *event) error {
	return d.array(func() error {
		if len(e.Artifacts) == maxEventArtifacts {
			e.more = true
			return d.skip()
		}
		var a EventArtifact
		if err := decodeResource(d, &a); err != nil {
			return err
		}
		e.Artifacts = append(e.Artifacts, a)
		return nil
	})
}

func decodeResource(d *decoder, a *EventArtifact) error {
	return d.object(func(name string) error {
		switch name {
		case "digest":
			return d.text(&a.Digest)
		case "tag":
			return d.text(&a.Tag)
		case "scan_overview":
			var scanned Artifact
			err := decodeScans(d, &scanned)
			a.Scan = scanned.Scan
			return err
		default:
			return d.skip()
		}
	})
}

func decodeEventRepository(d *decoder, e *event) error {
	return d.object(func(name string) error {
		switch name {
		case "namespace":
			return d.text(&e.namespace)
		case "name":
			return d.text(&e.rest)
		case "repo_full_name":
			return d.text(&e.full)
		default:
			return d.skip()
		}
	})
}

func decodeRetention(d *decoder, r *retention) error {
	return d.object(func(name string) error {
		switch name {
		case "project_name":
			return d.text(&r.project)
		case "deleted_artifact":
			return d.array(func() error { return decodeDeleted(d, r) })
		default:
			return d.skip()
		}
	})
}

// decodeDeleted reads one artifact that a retention run deleted. Its name_tag is
// the repository's name without the project's, a colon and a tag.
func decodeDeleted(d *decoder, r *retention) error {
	var named string
	err := d.object(func(name string) error {
		if name != "name_tag" {
			return d.skip()
		}
		return d.text(&named)
	})
	name, _, ok := strings.Cut(named, ":")
	name, _, _ = strings.Cut(name, "@")
	switch {
	case slices.Contains(r.names, name):
	case !ok || !repositoryGrammar.MatchString(name) || len(r.names) == maxEventRepositories:
		r.unclear = true
	default:
		r.names = append(r.names, name)
	}
	return err
}

// digits reads a number as it was sent.
func (d *decoder) digits(to *string) error {
	if ok, err := d.is('0'); !ok {
		return err
	}
	raw, err := d.ReadValue()
	if err == nil && len(raw) <= maxSharedBytes {
		*to = string(raw)
	}
	return err
}

// settle makes of the parts what they mean together.
func (e *event) settle() (Event, error) {
	switch {
	case e.cloud:
		e.Type = cloudEvents[e.name]
	case slices.Contains(defaultEvents, EventType(e.name)):
		e.Type, e.ID = EventType(e.name), ""
	}
	switch {
	case e.Type == "": // of a later Harbor
		return Event{}, nil
	case e.Type == EventTagRetention:
		return e.settleRetention()
	case e.Type == EventReplication:
		return e.Event, nil
	}
	if e.full == "" {
		e.full = e.namespace + "/" + e.rest
	}
	if !ValidRepository(e.full) {
		return Event{}, ErrEventName
	}
	e.Project, _, _ = SplitRepository(e.full)
	e.Repositories = []string{e.full}
	unnamed := e.more
	for _, a := range e.Artifacts {
		if a.Digest != "" && !ValidDigest(a.Digest) {
			return Event{}, ErrEventName
		}
		unnamed = unnamed || a.Digest == ""
	}
	if unnamed {
		e.Artifacts = nil
	}
	return e.Event, nil
}

func (e *event) settleRetention() (Event, error) {
	e.Artifacts = nil
	e.Project = e.retention.project
	if !ValidProject(e.Project) {
		return Event{}, ErrEventName
	}
	if e.retention.unclear {
		return e.Event, nil
	}
	for _, name := range e.retention.names {
		full := e.Project + "/" + name
		if len(full) > maxName {
			return Event{}, ErrEventName
		}
		e.Repositories = append(e.Repositories, full)
	}
	return e.Event, nil
}
