// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// TestRecordedEvents decodes every webhook that was recorded; what it must come
// to is in testdata/events.golden, one line each.
func TestRecordedEvents(t *testing.T) {
	var got strings.Builder
	for _, webhook := range harbortest.RecordedWebhooks() {
		event, err := DecodeEvent(strings.NewReader(webhook.Body))
		fmt.Fprintf(&got, "%s: ", webhook.Name)
		if err != nil {
			fmt.Fprintln(&got, err)
			continue
		}
		line, err := json.Marshal(event)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&got, "%s\n", line)
	}
	golden(t, "testdata/events.golden", got.String())
}

func TestDecodeEvent(t *testing.T) {
	const digest = "sha256:6c5182f4354837ddd7de77983117ca89b081ffedb0fe06e6691e20ec6f66be93"
	push := func(repository, resources string) string {
		return `{"event_data":{"repository":{"repo_full_name":"` + repository + `"},"resources":[` + resources + `]},"type":"PUSH_ARTIFACT"}`
	}
	retention := func(project, deleted string) string {
		return `{"type":"TAG_RETENTION","event_data":{"retention":{"project_name":"` + project + `","deleted_artifact":[` + deleted + `]}}}`
	}
	for _, tt := range []struct {
		about, body string
		want        Event
		err         error
	}{
		{
			"the type last, an unknown field, a number where a text is expected", push("a/b", `{"digest":"`+digest+`","tag":7,"new":[{}]}`),
			Event{Type: EventPush, Project: "a", Repositories: []string{"a/b"}, Artifacts: []EventArtifact{{Digest: digest}}},
			nil,
		},
		{
			"no full name", `{"type":"DELETE_ARTIFACT","event_data":{"repository":{"namespace":"a","name":"b/c"}}}`,
			Event{Type: EventDelete, Project: "a", Repositories: []string{"a/b/c"}},
			nil,
		},
		{
			"a resource without digest stands for the repository", push("a/b", `{"digest":"`+digest+`"},{}`),
			Event{Type: EventPush, Project: "a", Repositories: []string{"a/b"}},
			nil,
		},
		{
			"too many resources do so, too", push("a/b", strings.Repeat(`{"digest":"`+digest+`"},`, maxEventArtifacts)+`{"digest":"`+digest+`"}`),
			Event{Type: EventPush, Project: "a", Repositories: []string{"a/b"}},
			nil,
		},
		{"a type of a later Harbor", `{"type":"LABEL_ARTIFACT","event_data":{"repository":{"repo_full_name":"A"}}}`, Event{}, nil},
		{"a replication", `{"type":"REPLICATION","event_data":{"replication":{}}}`, Event{Type: EventReplication}, nil},
		{"a CloudEvent's type in the Default format", `{"type":"harbor.artifact.pushed"}`, Event{}, nil},
		{
			"retention in several repositories", retention("a", `{"name_tag":"b:1"},{"name_tag":"c/d:2"},{"name_tag":"b:3"}`),
			Event{Type: EventTagRetention, Project: "a", Repositories: []string{"a/b", "a/c/d"}},
			nil,
		},
		{
			"retention of a digest", retention("a", `{"name_tag":"b@`+digest+`"}`),
			Event{Type: EventTagRetention, Project: "a", Repositories: []string{"a/b"}},
			nil,
		},
		{
			"retention in a repository that is not named", retention("a", `{"name_tag":"b:1"},{"name_tag":""}`),
			Event{Type: EventTagRetention, Project: "a"},
			nil,
		},
		{"Slack", `{"blocks":[{"type":"section"}]}`, Event{}, ErrSlackEvent},
		{"an upper-case project", push("A/b", ""), Event{}, ErrEventName},
		{"an upper-case repository", push("a/B", ""), Event{}, ErrEventName},
		{"a path", push("a/../b", ""), Event{}, ErrEventName},
		{"no repository", push("a", ""), Event{}, ErrEventName},
		{"a name of 256 bytes", push("a/"+strings.Repeat("b", 254), ""), Event{}, ErrEventName},
		{"a digest that is none", push("a/b", `{"digest":"sha256:0"}`), Event{}, ErrEventName},
		{"retention in no project", retention("", ""), Event{}, ErrEventName},
		{"nothing", "", Event{}, ErrInvalidEvent},
		{"no type", `{}`, Event{}, ErrInvalidEvent},
		{"no object", `[{"type":"PUSH_ARTIFACT"}]`, Event{}, ErrInvalidEvent},
		{"cut off", push("a/b", "")[:40], Event{}, ErrInvalidEvent},
		{"two objects", push("a/b", "") + "{}", Event{}, ErrInvalidEvent},
	} {
		t.Run(tt.about, func(t *testing.T) {
			got, err := DecodeEvent(strings.NewReader(tt.body))
			if !errors.Is(err, tt.err) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// FuzzDecodeEvent: any bytes are read, without panic and within the bounds, and
// what comes of them has only names that Harbor can have.
func FuzzDecodeEvent(f *testing.F) {
	for _, webhook := range harbortest.RecordedWebhooks() {
		f.Add([]byte(webhook.Body))
	}
	f.Add([]byte(`{"type":"PUSH_ARTIFACT","type":1,"event_data":{"resources":[{"digest":"\ud800"}]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		event, err := DecodeEvent(strings.NewReader(string(body)))
		known := slices.ContainsFunc([]error{ErrInvalidEvent, ErrSlackEvent, ErrEventName}, func(e error) bool { return errors.Is(err, e) })
		if known != (err != nil) {
			t.Errorf("the error %v is none of those known", err)
		}
		if err == nil && !json.Valid(body) {
			t.Error("taken although it is no JSON")
		}
		if len(event.Artifacts) > maxEventArtifacts || len(event.Repositories) > maxEventRepositories {
			t.Errorf("%d artifacts, %d repositories", len(event.Artifacts), len(event.Repositories))
		}
		for _, name := range event.Repositories {
			if !ValidRepository(name) || !strings.HasPrefix(name, event.Project+"/") {
				t.Errorf("repository %q of project %q", name, event.Project)
			}
		}
		for _, a := range event.Artifacts {
			if !ValidDigest(a.Digest) || len(a.Tag) > maxText {
				t.Errorf("artifact %q %q", a.Digest, a.Tag)
			}
		}
	})
}
