// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
)

// steps repeats the changes of the recordings that were taken step by step, by
// the methods of Registry. The content is that of the first step.
var steps = map[string]func(*replay, *entry){
	"delete-and-recreate":     recreate,
	"index-push-in-steps":     pushIndex,
	"accessory-push-in-steps": pushAccessory,
}

var anyTime = regexp.MustCompile(`"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[^"]*Z"`)

func withoutTimes(body string) string { return anyTime.ReplaceAllString(body, `"time"`) }

// first reports whether the entry is the first with its comment.
func (run *replay) first(e *entry) bool {
	for _, other := range run.entries {
		if other.recording == e.recording && other.comment == e.comment {
			return other == e
		}
	}
	return false
}

// deletes does what a recorded DELETE asked for and checks that it succeeds or
// fails as recorded.
func (run *replay) deletes(e *entry) {
	run.Helper()
	if e.method != "DELETE" {
		return
	}
	part := strings.Split(strings.TrimPrefix(e.url.Path, apiPrefix+"/projects/"), "/")
	var err error
	switch len(part) {
	case 1:
		err = run.registry.DeleteProject(part[0])
	case 3:
		err = run.registry.DeleteRepository(part[0] + "/" + part[2])
	case 5:
		err = run.registry.DeleteArtifact(part[0]+"/"+part[2], part[4])
	}
	want := map[int]error{200: nil, 412: ErrPrecondition, 404: ErrNotFound}[e.status]
	if !errors.Is(err, want) {
		run.Errorf("entry %d: %s: got error %v, recorded status %d", e.number, e.request(), err, e.status)
	}
}

// later is the content as it was in the end, where what is pushed comes from.
func (run *replay) later(e *entry) *content {
	run.Helper()
	c := newContent()
	for _, other := range run.entries {
		if other.recording == e.recording {
			c.extract(run.T, other)
		}
	}
	return c
}

// pushed finds an artifact that the recording shows first at or after entry e.
func (run *replay) pushed(e *entry, fits func(*artifactContent) bool) *artifactContent {
	run.Helper()
	later := run.later(e)
	for _, id := range sortedKeys(later.Artifacts) {
		a := later.Artifacts[id]
		if run.registry.ids.Artifact < id && fits(a) {
			run.registry.ids.Artifact = id - 1 // others were pushed elsewhere meanwhile
			return a
		}
	}
	run.Fatalf("entry %d: no artifact was pushed", e.number)
	return nil
}

func (run *replay) image(a *artifactContent, tagged bool) Image {
	image := Image{Digest: a.Digest, Size: a.Size, ExtraAttrs: a.ExtraAttrs, Kind: Kind(kind{
		typ: a.Type, mediaType: a.MediaType, manifestMediaType: a.ManifestMediaType, artifactType: a.ArtifactType,
		icon: a.Icon, additions: a.Links, scannable: a.Scannable,
	})}
	if a.Annotations != nil {
		if err := json.Unmarshal(a.Annotations, &image.Annotations); err != nil {
			run.Fatal(err)
		}
	}
	if tagged {
		for _, tag := range a.Tags {
			image.Tags = append(image.Tags, tag.Name)
			run.registry.ids.Tag = tag.ID - 1
		}
	}
	return image
}

func recreate(run *replay, e *entry) {
	run.deletes(e)
	if !run.first(e) {
		return
	}
	switch e.comment {
	case "repository created again under the same name":
		a := run.pushed(e, func(*artifactContent) bool { return true })
		run.registry.Push(a.Repository, run.image(a, true))
	case "project created again under the same name":
		if err := run.registry.CreateProject("ephemeral", false); err != nil {
			run.Fatal(err)
		}
	}
}

func pushIndex(run *replay, e *entry) {
	run.deletes(e)
	if !run.first(e) {
		return
	}
	switch {
	case strings.HasPrefix(e.comment, "second child"):
		a := run.pushed(e, func(a *artifactContent) bool { return a.References == nil })
		run.registry.Push(a.Repository, run.image(a, false))
	case strings.HasPrefix(e.comment, "index pushed"):
		a := run.pushed(e, func(a *artifactContent) bool { return a.References != nil })
		index := Index{Image: run.image(a, true)}
		for _, ref := range a.References {
			child := Child{Digest: ref.Digest}
			if err := json.Unmarshal(ref.Platform, &child.Platform); err != nil {
				run.Fatal(err)
			}
			index.Children = append(index.Children, child)
		}
		run.registry.PushIndex(a.Repository, index)
	case strings.HasPrefix(e.comment, "a child gets a tag"):
		for _, a := range run.later(e).Artifacts {
			if len(a.Tags) == 0 || a.References != nil {
				continue
			}
			run.registry.ids.Tag = a.Tags[0].ID - 1
			if err := run.registry.AddTag(a.Repository, a.Digest, a.Tags[0].Name); err != nil {
				run.Fatal(err)
			}
		}
	}
}

func pushAccessory(run *replay, e *entry) {
	run.deletes(e)
	if e.comment != "accessory pushed" || !run.first(e) {
		return
	}
	a := run.pushed(e, func(a *artifactContent) bool { return a.Accessory != nil })
	run.registry.ids.Accessory = a.Accessory.ID - 1
	run.registry.PushAccessory(a.Repository, a.Accessory.Subject, Accessory{Image: run.image(a, true), Type: a.Accessory.Type})
}
