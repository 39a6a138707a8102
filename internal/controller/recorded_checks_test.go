// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// checkReports holds the numbers shown against the reports of the same scans.
func checkReports(t *testing.T, entries map[string]v1alpha1.ArtifactEntry) {
	t.Helper()
	checked := 0
	for path, body := range recorded(t, "vulnerabilities") {
		reference, isReport := strings.CutSuffix(path, "/additions/vulnerabilities")
		reports, _ := body.(object)
		for _, report := range reports {
			if !isReport {
				continue
			}
			counts := map[string]int64{}
			found := objects(report.(object), "vulnerabilities") //nolint:errcheck // a report is an object
			for _, finding := range found {
				counts[of[string](finding, "severity")]++
			}
			entry := byReference(entries, reference)
			if entry == nil || entry.Vulnerabilities == nil {
				continue // a child of an index, or pushed later
			}
			v := entry.Vulnerabilities
			if v.Critical != counts["Critical"] || v.High != counts["High"] || v.Medium != counts["Medium"] || v.Low != counts["Low"] {
				t.Errorf("%s: shown %+v, the report has %v", path, v, counts)
			}
			checked++
		}
	}
	if checked < 5 {
		t.Errorf("only %d reports were compared", checked)
	}
}

// byReference finds the entry of an artifact by its recorded path.
func byReference(entries map[string]v1alpha1.ArtifactEntry, path string) *v1alpha1.ArtifactEntry {
	parts := strings.Split(strings.TrimPrefix(path, "/api/v2.0/projects/"), "/")
	if len(parts) != 5 {
		return nil
	}
	repository := parts[0] + "/" + strings.ReplaceAll(parts[2], "%252F", "/")
	for key, entry := range entries {
		if strings.HasPrefix(key, repository+"@") && (slices.Contains(entry.Tags, parts[4]) || entry.Digest == parts[4]) {
			return &entry
		}
	}
	return nil
}

// checkAccessories holds those shown of team-a/signed against the endpoint that
// lists them alone, and the media type of its SBOM against the SBOM's own record.
func checkAccessories(t *testing.T, entries map[string]v1alpha1.ArtifactEntry) {
	t.Helper()
	const path = "/api/v2.0/projects/team-a/repositories/signed/artifacts/"
	bodies := recorded(t, "accessories")
	entry := byReference(entries, path+"1.0.0")
	rows, _ := bodies[path+"1.0.0/accessories"].([]any)
	if entry == nil || len(rows) == 0 || entry.SBOM == nil {
		t.Fatalf("team-a/signed: entry %+v, %d rows recorded", entry, len(rows))
	}
	want := object{}
	addAccessories(want, objects(object{"rows": rows}, "rows"))
	if diff := gocmp.Diff(plain(t, want["accessories"]), plain(t, entry.Accessories)); diff != "" {
		t.Errorf("accessories recorded (-), shown (+):\n%s", diff)
	}
	found := false
	for uri, body := range bodies {
		if sbom, ok := body.(object); ok && strings.HasPrefix(uri, path+entry.SBOM.Digest+"?") {
			found = true
			if of[string](sbom, "media_type") != entry.SBOM.MediaType {
				t.Errorf("the SBOM is of media type %v, shown %q", sbom["media_type"], entry.SBOM.MediaType)
			}
		}
	}
	if !found {
		t.Error("the SBOM's own record is not in the recording")
	}
}

// checkTotals holds the totals of a status against what the lists show.
func checkTotals(t *testing.T, w *world, name string) {
	t.Helper()
	eventually(t, func() string {
		status := w.get(name).Status
		var untagged, signed, withSBOM, critical, size int64
		byProject := map[string]int64{}
		for key, e := range w.entries(name) {
			project, _, _ := strings.Cut(key, "/")
			byProject[project]++
			size += e.SizeBytes
			for into, is := range map[*int64]bool{
				&untagged: len(e.Tags) == 0, &signed: e.Signed != nil && *e.Signed, &withSBOM: e.SBOM != nil && e.SBOM.Digest != "",
				&critical: e.Vulnerabilities != nil && e.Vulnerabilities.Severity == "Critical",
			} {
				if is {
					*into++
				}
			}
		}
		got := status.Totals
		if got == nil || got.Signed == nil || got.WithSBOM == nil || got.BySeverity == nil {
			return "there are no totals"
		}
		projects := map[string]int64{}
		for _, p := range status.ProjectTotals {
			projects[p.Project] = p.Artifacts
		}
		return gocmp.Diff(
			[]any{size, untagged, signed, withSBOM, critical, byProject},
			[]any{got.SizeBytes, got.Untagged, *got.Signed, *got.WithSBOM, got.BySeverity.Critical, projects},
		)
	})
}
