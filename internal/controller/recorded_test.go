// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest/har"
)

// object is a JSON object as encoding/json reads it, apart from any type of ours.
type object = map[string]any

// recorded returns the bodies of a recording's successful answers by path and query.
func recorded(t *testing.T, name string) map[string]any {
	t.Helper()
	read, err := har.Read("../harbor/harbortest/testdata/recordings", name)
	if err != nil {
		t.Fatal(err)
	}
	bodies := map[string]any{}
	for _, e := range read[0].Entries {
		var body any
		if e.Response.Status == http.StatusOK && e.Request.Method == http.MethodGet && json.Unmarshal([]byte(e.Response.Content.Text), &body) == nil {
			bodies[e.Request.URL.RequestURI()] = body
		}
	}
	return bodies
}

func of[T any](o object, field string) T { value, _ := o[field].(T); return value }

func objects(o object, field string) (all []object) {
	for _, row := range of[[]any](o, field) {
		if row, ok := row.(object); ok {
			all = append(all, row)
		}
	}
	return all
}

// set sets a field unless the value says nothing.
func set(o object, field string, value any) {
	switch v := value.(type) {
	case nil:
		return
	case string:
		if v == "" {
			return
		}
	case []string:
		if len(v) == 0 {
			return
		}
	case float64:
		if v == 0 {
			return
		}
	}
	o[field] = value
}

// entryOf says what a list must show of a recorded artifact with all details,
// in the terms of the API's documentation.
func entryOf(t *testing.T, artifact object) object {
	t.Helper()
	entry := object{"digest": artifact["digest"]}
	for theirs, ours := range map[string]string{
		"type": "type", "media_type": "mediaType", "manifest_media_type": "manifestMediaType", "artifact_type": "artifactType", "size": "sizeBytes",
	} {
		set(entry, ours, artifact[theirs])
	}
	pushed, err := time.Parse(time.RFC3339, of[string](artifact, "push_time"))
	if err != nil {
		t.Fatal(err)
	}
	entry["pushTime"] = pushed.UTC().Format("2006-01-02T15:04:05.000000Z")
	var tags, immutable, labels []string
	for _, tag := range objects(artifact, "tags") {
		tags = append(tags, of[string](tag, "name"))
		if of[bool](tag, "immutable") {
			immutable = append(immutable, of[string](tag, "name"))
		}
	}
	for _, label := range objects(artifact, "labels") {
		labels = append(labels, of[string](label, "name"))
	}
	for field, list := range map[string][]string{"tags": tags, "immutableTags": immutable, "labels": labels, "platforms": platformsOf(artifact)} {
		slices.Sort(list)
		set(entry, field, slices.Compact(list))
	}
	addAccessories(entry, objects(artifact, "accessories"))
	addAnnotations(entry, of[object](artifact, "annotations"))
	for _, overview := range of[object](artifact, "scan_overview") {
		if overview, ok := overview.(object); ok {
			entry["vulnerabilities"] = scanOf(overview)
		}
	}
	if sbom := of[object](artifact, "sbom_overview"); sbom != nil {
		shown := object{}
		set(shown, "digest", sbom["sbom_digest"])
		set(shown, "scanStatus", sbom["scan_status"])
		if shown["digest"] != nil {
			shown["mediaType"] = "application/vnd.goharbor.harbor.sbom.v1"
		}
		entry["sbom"] = shown
	}
	var unavailable []string
	for _, field := range []string{"vulnerabilities", "sbom"} {
		if entry[field] == nil {
			unavailable = append(unavailable, field)
		}
	}
	set(entry, "unavailable", unavailable)
	return entry
}

func platformsOf(artifact object) (all []string) {
	platforms := []object{of[object](artifact, "extra_attrs")}
	if references := objects(artifact, "references"); len(references) > 0 {
		platforms = nil
		for _, r := range references {
			platforms = append(platforms, of[object](r, "platform"))
		}
	}
	for _, p := range platforms {
		text := cmp.Or(of[string](p, "os"), "unknown") + "/" + cmp.Or(of[string](p, "architecture"), "unknown")
		if variant := of[string](p, "variant"); variant != "" {
			text += "/" + variant
		}
		if text != "unknown/unknown" {
			all = append(all, text)
		}
	}
	return all
}

func addAccessories(entry object, accessories []object) {
	slices.SortFunc(accessories, func(a, b object) int { return cmp.Compare(of[float64](a, "id"), of[float64](b, "id")) })
	signed := false
	var shown []any
	for _, a := range accessories {
		signed = signed || strings.HasPrefix(of[string](a, "type"), "signature.")
		shown = append(shown, object{"type": a["type"], "digest": a["digest"], "sizeBytes": a["size"]})
	}
	entry["signed"] = signed
	if len(shown) > 0 {
		entry["accessories"] = shown
	}
}

// addAnnotations shows values up to 1 KiB; the recorded ones are ASCII there.
func addAnnotations(entry, annotations object) {
	if len(annotations) == 0 {
		return
	}
	shown, cut := object{}, false
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		value := of[string](annotations, key)
		cut = cut || len(value) > 1024
		shown[key] = value[:min(len(value), 1024)]
	}
	entry["annotations"] = shown
	if cut {
		entry["truncated"], entry["totals"] = []string{"annotations"}, object{"annotations": len(annotations)}
	}
}

func scanOf(overview object) object {
	summary := of[object](overview, "summary")
	counts := of[object](summary, "summary")
	shown := object{
		"total": of[float64](summary, "total"), "fixable": of[float64](summary, "fixable"),
		"critical": of[float64](counts, "Critical"), "high": of[float64](counts, "High"),
		"medium": of[float64](counts, "Medium"), "low": of[float64](counts, "Low"),
	}
	other := 0.0
	for severity, n := range counts {
		if !slices.Contains([]string{"Critical", "High", "Medium", "Low"}, severity) {
			other += n.(float64) //nolint:errcheck // counts are numbers
		}
	}
	shown["other"] = other
	set(shown, "severity", overview["severity"])
	set(shown, "scanStatus", overview["scan_status"])
	scanner := of[object](overview, "scanner")
	set(shown, "scanner", strings.TrimSpace(of[string](scanner, "name")+" "+of[string](scanner, "version")))
	return shown
}

// plain makes of a value what encoding/json reads of it into maps.
func plain(t *testing.T, value any) (all any) {
	t.Helper()
	text, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// allDetails asks for every detail, and for those that are looked up without delay.
func allDetails(s *v1alpha1.HarborInventorySpec) {
	s.DetailRequestsPerMinute = 6000
	s.Include = []v1alpha1.Detail{
		v1alpha1.DetailLabels, v1alpha1.DetailVulnerabilities, v1alpha1.DetailSBOM, v1alpha1.DetailAccessories,
		v1alpha1.DetailImmutability, v1alpha1.DetailAnnotations, v1alpha1.DetailPlatforms,
	}
}

// entries returns what the lists of an inventory show, by repository@digest.
func (w *world) entries(name string) map[string]v1alpha1.ArtifactEntry {
	w.Helper()
	entries := map[string]v1alpha1.ArtifactEntry{}
	for _, l := range w.lists(name) {
		for _, a := range l.Artifacts {
			entries[l.Repository+"@"+a.Digest] = a
		}
	}
	return entries
}

// With all details on, the lists show what a running Harbor was recorded to say
// of its artifacts, field by field.
func TestDetailsAreAsRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, harbortest.Recorded())
	w.inventory("all", allDetails, func(s *v1alpha1.HarborInventorySpec) {
		s.ExcludeRepositories = repositories([]string{"perf/big20k", "bulk/many"}) // in the recording there is one page of them
	})
	w.condition("all", "Ready=True Succeeded", "Complete=True")
	recordings := recorded(t, "artifacts-all-repositories-flags-on")
	want := map[string]any{}
	for _, body := range recordings {
		rows, _ := body.([]any)
		for _, row := range rows {
			a, _ := row.(object)
			if repository := of[string](a, "repository_name"); repository == "bulk/many" || repository == "perf/big20k" {
				continue
			}
			want[of[string](a, "repository_name")+"@"+of[string](a, "digest")] = plain(t, entryOf(t, a))
		}
	}
	if len(want) < 80 {
		t.Fatalf("only %d artifacts are in the recording", len(want))
	}
	eventually(t, func() string {
		entries := w.entries("all")
		for key := range want {
			if diff := gocmp.Diff(want[key], plain(t, entries[key])); diff != "" {
				return key + " recorded (-), shown (+):\n" + diff
			}
		}
		return ""
	})
	checkReports(t, w.entries("all"))
	checkAccessories(t, w.entries("all"))
	checkTotals(t, w, "all")
}
