// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// What follows reads records as maps: another way than the decoder's, to
// compare it with. It knows no bounds.

func unmarshal(tb testing.TB, text string, to any) {
	tb.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(to); err != nil {
		tb.Fatal(err)
	}
}

func errorIs(err error, want error) bool {
	all := []error{ErrUnauthorized, ErrForbidden, ErrNotFound, ErrBadRequest, ErrUnavailable, ErrInvalidResponse, ErrTooLarge}
	for _, e := range all {
		if errors.Is(err, e) != errors.Is(e, want) {
			return false
		}
	}
	return true
}

func str(m map[string]any, name string) string { s, _ := m[name].(string); return s }

func num(m map[string]any, name string) int64 {
	n, _ := m[name].(json.Number)
	i, _ := n.Int64()
	return i
}

func moment(m map[string]any, name string) time.Time {
	t, err := time.Parse(time.RFC3339, str(m, name))
	if err != nil || t.Year() == 1 {
		return time.Time{}
	}
	return t
}

func rows[T any](m map[string]any, name string, plain func(map[string]any) T) []T {
	var all []T
	list, _ := m[name].([]any)
	for _, row := range list {
		m, _ := row.(map[string]any)
		all = append(all, plain(m))
	}
	return all
}

func part(m map[string]any, name string) map[string]any {
	p, _ := m[name].(map[string]any)
	return p
}

func plainProject(m map[string]any) Project {
	return Project{
		ID: num(m, "project_id"), Name: str(m, "name"), RepoCount: int(num(m, "repo_count")),
		Public: str(part(m, "metadata"), "public") == "true",
	}
}

func plainRepository(m map[string]any) Repository {
	return Repository{
		ID: num(m, "id"), ProjectID: num(m, "project_id"), Name: str(m, "name"), ArtifactCount: int(num(m, "artifact_count")),
		UpdateTime: moment(m, "update_time"), CreationTime: moment(m, "creation_time"), PullCount: num(m, "pull_count"),
	}
}

func plainTag(m map[string]any) Tag {
	return Tag{ID: num(m, "id"), Name: str(m, "name"), PushTime: moment(m, "push_time"), Immutable: m["immutable"] == true}
}

func plainLabel(m map[string]any) Label {
	return Label{ID: num(m, "id"), Name: str(m, "name"), Scope: str(m, "scope")}
}

func plainAccessory(m map[string]any) Accessory {
	return Accessory{ID: num(m, "id"), Type: str(m, "type"), Digest: str(m, "digest"), Size: num(m, "size")}
}

func plainPlatform(m map[string]any) Platform {
	return Platform{OS: str(m, "os"), Architecture: str(m, "architecture"), Variant: str(m, "variant")}
}

func plainArtifact(m map[string]any) Artifact {
	a := Artifact{
		ID: num(m, "id"), ProjectID: num(m, "project_id"), RepositoryID: num(m, "repository_id"),
		RepositoryName: str(m, "repository_name"), Digest: str(m, "digest"), Type: str(m, "type"), MediaType: str(m, "media_type"),
		ManifestMediaType: str(m, "manifest_media_type"), ArtifactType: str(m, "artifact_type"), Size: num(m, "size"),
		PushTime: moment(m, "push_time"), Tags: rows(m, "tags", plainTag), Labels: rows(m, "labels", plainLabel),
		Accessories: rows(m, "accessories", plainAccessory),
	}
	references, _ := m["references"].([]any)
	a.Children = len(references)
	platforms := rows(m, "references", func(r map[string]any) Platform { return plainPlatform(part(r, "platform")) })
	if len(references) == 0 {
		platforms = []Platform{plainPlatform(part(m, "extra_attrs"))}
	}
	for _, p := range platforms {
		if p != (Platform{}) && p != (Platform{OS: "unknown", Architecture: "unknown"}) && !slices.Contains(a.Platforms, p) {
			a.Platforms = append(a.Platforms, p)
		}
	}
	slices.SortFunc(a.Platforms, func(a, b Platform) int {
		return strings.Compare(a.OS+"\x00"+a.Architecture+"\x00"+a.Variant, b.OS+"\x00"+b.Architecture+"\x00"+b.Variant)
	})
	for name := range part(m, "annotations") {
		value := str(part(m, "annotations"), name)
		if a.Annotations == nil {
			a.Annotations = map[string]string{}
		}
		a.AnnotationsTotal++
		a.Annotations[name] = value
		if len(value) > maxAnnotationBytes {
			a.Annotations[name] = value[:maxAnnotationBytes] // recorded ones are ASCII there
			a.Cut = []string{"annotations"}
		}
	}
	for name := range part(m, "scan_overview") {
		a.Scan = plainScan(part(part(m, "scan_overview"), name))
	}
	if sbom := part(m, "sbom_overview"); sbom != nil {
		a.SBOM = &SBOMOverview{Digest: str(sbom, "sbom_digest"), Status: str(sbom, "scan_status")}
	}
	return a
}

func plainScan(m map[string]any) *ScanOverview {
	scanner, summary := part(m, "scanner"), part(m, "summary")
	s := &ScanOverview{
		Status: str(m, "scan_status"), Severity: str(m, "severity"),
		Scanner: strings.TrimSpace(str(scanner, "name") + " " + str(scanner, "version")),
		Total:   num(summary, "total"), Fixable: num(summary, "fixable"),
	}
	for severity := range part(summary, "summary") {
		if s.BySeverity == nil {
			s.BySeverity = map[string]int64{}
		}
		s.BySeverity[severity] = num(part(summary, "summary"), severity)
	}
	return s
}

func plainAudit(m map[string]any) AuditEntry {
	e := AuditEntry{ID: num(m, "id"), At: moment(m, "op_time"), Operation: str(m, "operation"), ResourceType: str(m, "resource_type")}
	switch e.ResourceType {
	case "project":
		e.Project = str(m, "resource")
	case "artifact", "repository", "tag":
		e.Repository = strings.Split(strings.Split(str(m, "resource"), "@")[0], ":")[0]
		e.Project = strings.Split(e.Repository, "/")[0]
	}
	if e.ResourceType == "artifact" {
		_, e.Digest, _ = strings.Cut(str(m, "operation_description"), "@")
	}
	return e
}

func plainReports(m map[string]any) reports {
	chosen := part(m, reportType)
	if chosen == nil {
		return reports{}
	}
	scanner := part(chosen, "scanner")
	return reports{current: true, chosen: &VulnerabilityReport{
		GeneratedAt: moment(chosen, "generated_at"), Severity: str(chosen, "severity"),
		Scanner: strings.TrimSpace(str(scanner, "name") + " " + str(scanner, "version")),
		Found:   rows(chosen, "vulnerabilities", plainVulnerability),
	}}
}

func plainVulnerability(m map[string]any) Vulnerability {
	v := Vulnerability{
		ID: str(m, "id"), Package: str(m, "package"), Version: str(m, "version"), FixVersion: str(m, "fix_version"),
		Severity: str(m, "severity"), Description: str(m, "description"),
	}
	byVendor := part(part(m, "vendor_attributes"), "CVSS")
	for _, given := range []any{part(m, "preferred_cvss")["score_v3"], part(byVendor, "nvd")["V3Score"], part(byVendor, "redhat")["V3Score"]} {
		if n, ok := given.(json.Number); ok && !v.Scored {
			v.Score, _ = n.Float64()
			v.Scored = true
		}
	}
	return v
}
