// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/vulnerability"
)

// TestSearchReports holds that list, search, tree and export find by what stands in
// VulnerabilityReports, and say of how many artifacts they could not tell.
func TestSearchReports(t *testing.T) {
	reported(t)
	const none = "No artifacts found in namespace registries.\n"
	for _, c := range []struct {
		line  string
		rows  []string // repositories
		err   []string // parts of standard error
		known bool     // nothing else may match
	}{
		{
			line: "list -i production --cve CVE-2021-44228",
			rows: []string{"library/multi", "library/nginx", "team-a/api", "team-a/api", "team-a/scan-many"},
			err:  []string{"more artifacts may match: 49 not scanned, 1 whose scan has failed or is under way, 14 without a VulnerabilityReport (spec.vulnerabilityReports bounds how many there are)\n"},
		},
		{line: "list -i production --cve cve-2021-44228 -p library", err: []string{none}},
		{line: "search -i production --cve cve-2021-44228 -p library", rows: []string{"library/multi", "library/nginx"}},
		{line: "search -i production --cve CVE-1999-0001 --cve CVE-2021-44228 nginx", rows: []string{"library/nginx"}},
		{line: "search -i production --package openssl --max-version 3.0.11 -r library/", rows: []string{"library/multi", "library/nginx"}},
		{line: "search -i production --package openssl --min-version 3.0.12 -r library/multi", err: []string{none}, known: true},
		{line: "list -i production --description log4j-core -p library", rows: []string{"library/multi", "library/nginx"}},
		{line: "list -i production --description log4j-core -p library -m exact", err: []string{none}},
		{line: "search -i production --match regex --cve ^CVE-2021-4422[0-9]$ --severity critical -r nginx", rows: []string{"library/nginx"}},
		// A report that was cut is no proof; one that was not, is; nor is one needed of what is clean.
		{line: "search -i production --cve CVE-1999-0001 -r scan-many", err: []string{"Warning: 1 more artifact may match: 1 with a VulnerabilityReport that was cut", none}},
		{line: "list -i production --cve CVE-1999-0001 -r library/multi", err: []string{none}, known: true},
		{line: "list -i production --cve CVE-1999-0001 -r team-a/web -t latest", err: []string{none}, known: true},
		{line: "list -i staging --cve CVE-2021-44228", err: []string{
			"Warning: inventory registries/staging has no vulnerability reports: its spec.vulnerabilityReports does not ask for any\n",
			"Warning: 10 more artifacts may match: 4 not scanned, 2 not looked up yet, 4 without a VulnerabilityReport", none,
		}},
		{line: "search -i production cve-2021-44228", err: []string{none + "Vulnerabilities are searched by --cve cve-2021-44228 instead.\n"}, known: true},
		{line: "export -i production --cve CVE-2021-44228 -p library", rows: []string{"library/multi", "library/nginx"}, err: []string{"2 artifacts exported.\n"}},
	} {
		t.Run(c.line, func(t *testing.T) {
			got := invokeIn(t, func(*environment) {}, append(strings.Fields(c.line), "-o", "jsonl")...)
			var rows []string
			err := readLines(t.Context(), "", strings.NewReader(got.out), func(a *Artifact) error {
				rows = append(rows, a.Repository)
				return nil
			})
			slices.Sort(rows)
			if got.code != exitOK || err != nil || !slices.Equal(rows, c.rows) {
				t.Errorf("%v and %+v, want %q", err, got, c.rows)
			}
			for _, part := range c.err {
				if !strings.Contains(got.err, part) {
					t.Errorf("standard error lacks %q:\n%s", part, got.err)
				}
			}
			if c.known != !strings.Contains(got.err, "may match") {
				t.Errorf("whether all is known is %v, but:\n%s", c.known, got.err)
			}
		})
	}
	got := invokeIn(t, func(*environment) {}, "tree", "-i", "production", "--cve", "CVE-2021-44228", "--depth", "project")
	if !strings.Contains(got.out, "library (2 artifacts") || !strings.Contains(got.out, "team-a (3 artifacts") {
		t.Errorf("%+v", got)
	}
}

// TestSearchAgreesWithVuln holds that search finds the artifacts that vuln names.
func TestSearchAgreesWithVuln(t *testing.T) {
	for _, line := range []string{
		"--cve CVE-2021-44228", "--package openssl", "--package openssl --max-version 3.0.11", "--min-version 99", "--description flaw",
		"--match regex --cve ^CVE-20(18|21)- --package ssl", "--match exact --package stdlib --package busybox", "-p team-a --cve CVE-2021-44228",
	} {
		names := func(command string) []string {
			got := invokeIn(t, func(*environment) {}, append([]string{command, "-o", "name", "-i", "production"}, strings.Fields(line)...)...)
			if got.code != exitOK {
				t.Fatalf("%s %s: %+v", command, line, got)
			}
			return slices.Sorted(strings.Lines(got.out))
		}
		reported(t)
		if found, said := names("search"), names("vuln"); !slices.Equal(found, said) {
			t.Errorf("%s: search finds %q, vuln %q", line, found, said)
		}
	}
}

// TestSearchReportsInChunks: the answer is the same, however many objects are asked
// for at once.
func TestSearchReportsInChunks(t *testing.T) {
	reported(t)
	ask := func(size string) answer {
		return invokeIn(t, func(*environment) {}, "search", "-A", "--package", "openssl", "-o", "name", "--chunk-size", size)
	}
	whole := ask("0")
	if whole.code != exitOK || strings.Count(whole.out, "\n") != 5 {
		t.Fatalf("%+v", whole)
	}
	for _, size := range []string{"1", "2", "500"} {
		if got := ask(size); got != whole {
			t.Errorf("--chunk-size %s: %+v, want %+v", size, got, whole)
		}
	}
}

// joinOf is a join with reports of these repositories, in this order.
func joinOf(t *testing.T, ordered bool, failing error, repositories ...string) *reportJoin {
	t.Helper()
	query, err := vulnerability.Query{CVE: "CVE-2021-44228"}.Compile()
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	return &reportJoin{query: query, ordered: ordered, verdicts: map[string]verdict{}, next: func() (*v1alpha1.VulnerabilityReport, error, bool) {
		if read == len(repositories) {
			return nil, failing, failing != nil
		}
		a := reportedArtifact(repositories[read])
		read++
		report := &v1alpha1.VulnerabilityReport{Repository: a.Repository, Digest: a.Digest, Vulnerabilities: []v1alpha1.Vulnerability{{ID: "CVE-2021-44228"}}}
		report.Namespace, report.Name = a.Namespace, vulnerability.ReportName(a.Inventory, a.Repository, a.Digest)
		return report, nil, true
	}}
}

func reportedArtifact(repository string) *Artifact {
	a := bare()
	a.Namespace, a.Inventory, a.Repository = mainNamespace, "production", repository
	a.Vulnerabilities = sample().Vulnerabilities
	return a
}

// TestJoin holds that reports are read no further than an artifact needs, in
// whatever order the artifacts come, and that what would make an answer wrong ends it.
func TestJoin(t *testing.T) {
	names := []string{"library/a", "library/b", "library/c", "library/d", "library/e"}
	slices.SortFunc(names, func(a, b string) int {
		return strings.Compare(vulnerability.ReportName("production", a, ""), vulnerability.ReportName("production", b, ""))
	})
	j := joinOf(t, true, nil, names[0], names[2], names[4])
	for i, want := range []verdict{yes, noReport, yes} {
		if got := j.of(reportedArtifact(names[i])); got != want || len(j.verdicts) != 1+(i+1)/2 {
			t.Errorf("artifact %d: %s after %d reports, want %s", i, got, len(j.verdicts), want)
		}
	}
	if got := j.of(reportedArtifact(names[0])); got != yes || j.whole {
		t.Errorf("an earlier one: %s", got)
	}
	if j = joinOf(t, true, nil, names[2], names[0]); j.of(reportedArtifact(names[1])) != noReport || j.of(reportedArtifact(names[4])) != noReport || !errors.Is(j.err, errDisorder) {
		t.Errorf("without order: %v", j.err)
	}
	if j = joinOf(t, false, nil, names[2], names[0]); j.of(reportedArtifact(names[0])) != yes || j.err != nil {
		t.Errorf("all at once, without order: %v", j.err)
	}
	broken := errors.New("broken off")
	j = joinOf(t, true, broken, names[0])
	d := newDoubts(&Filter{findings: j.query, reports: j}, io.Discard)
	if err := d.sift(func(*Artifact) error { return nil })(reportedArtifact(names[1])); !errors.Is(err, broken) {
		t.Errorf("the reading breaks off: %v", err)
	}
}

// TestNotKnown holds that what is not known of scans is shown apart from what Harbor
// does not have, and is never passed over in silence.
func TestNotKnown(t *testing.T) {
	scan := func(status string, critical int64) *v1alpha1.Vulnerabilities {
		return &v1alpha1.Vulnerabilities{ScanStatus: status, VulnerabilityCounts: v1alpha1.VulnerabilityCounts{Total: critical, Critical: critical}}
	}
	for _, c := range []struct {
		name     string
		entry    v1alpha1.ArtifactEntry
		cell     string
		csv      string // critical, scanStatus, unavailable
		severity verdict
		scanned  verdict
	}{
		{"found", v1alpha1.ArtifactEntry{Vulnerabilities: scan("Success", 2)}, "2C", "2,Success,", yes, yes},
		{"clean", v1alpha1.ArtifactEntry{Vulnerabilities: scan("Success", 0)}, "0", "0,Success,", no, yes},
		{"failed", v1alpha1.ArtifactEntry{Vulnerabilities: scan("Error", 0)}, "ScanError", ",Error,", noResult, no},
		{"not scanned", v1alpha1.ArtifactEntry{Unavailable: []string{"vulnerabilities"}}, "NotScanned", ",,vulnerabilities", unscanned, no},
		{"not looked up", v1alpha1.ArtifactEntry{}, "<unknown>", ",,", notLookedUp, notLookedUp},
		{"another is unavailable", v1alpha1.ArtifactEntry{Unavailable: []string{"sbom"}}, "<unknown>", ",,sbom", notLookedUp, notLookedUp},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := bare()
			c.entry.Digest = a.Digest
			a.ArtifactEntry = c.entry
			if got := vulnerabilities(a); got != c.cell {
				t.Errorf("the table shows %q, want %q", got, c.cell)
			}
			var cells []string
			for _, column := range csvColumns {
				if slices.Contains([]string{"critical", "scanStatus", "unavailable"}, column.name) {
					cells = append(cells, column.cell(a))
				}
			}
			if got := strings.Join(cells, ","); got != c.csv {
				t.Errorf("CSV has %q, want %q", got, c.csv)
			}
			if got := filterOf(t, "--severity critical").judge(a); got != c.severity {
				t.Errorf("--severity critical: %s, want %s", got, c.severity)
			}
			if got := filterOf(t, "--scanned").judge(a); got != c.scanned {
				t.Errorf("--scanned: %s, want %s", got, c.scanned)
			}
			if got := filterOf(t, "--severity critical --project nowhere").judge(a); got != no {
				t.Errorf("of another project: %s", got)
			}
		})
	}
}

// TestCutEntries: what an entry does not hold, because it was cut, may be what is
// looked for.
func TestCutEntries(t *testing.T) {
	for _, c := range []struct {
		flags string
		cut   string
		want  verdict
	}{
		{"--tag 9.9", "tags", cutEntry},
		{"--tag 1.27", "tags", yes},
		{"--tag 9.9", "labels", no},
		{"--label nobody --label approved", "labels", cutEntry},
		{"--platform windows", "platforms", cutEntry},
		{"--tag 9.9 --project nowhere", "tags", no},
		{"--tag 9.9 --severity critical", "tags", no},
	} {
		a := sample()
		a.Truncated = []string{c.cut}
		if got := filterOf(t, c.flags).judge(a); got != c.want {
			t.Errorf("%s, with %s cut: %s, want %s", c.flags, c.cut, got, c.want)
		}
		term, err := newMatcher(matchContains, "nobody")
		if err != nil {
			t.Fatal(err)
		}
		f := &Filter{terms: []matcher{term}, fields: []string{"tag", "digest"}}
		if got := f.judge(a); got != map[bool]verdict{true: cutEntry, false: no}[c.cut == "tags"] {
			t.Errorf("a term, with %s cut: %s", c.cut, got)
		}
	}
}

// TestDetailsThatAreNotHeld: an inventory that does not hold what a filter looks at
// is named.
func TestDetailsThatAreNotHeld(t *testing.T) {
	var said strings.Builder
	filter := filterOf(t, "--severity high --label approved --signed")
	filter.fields = []string{"tag", "label", "annotation"}
	filter.needFields()
	d := newDoubts(filter, &said)
	inv := inventoryOf(mainNamespace, "plain")
	inv.Spec.Include = []v1alpha1.Detail{v1alpha1.DetailLabels}
	inv.Status = syncedStatus(nil)
	d.inventory(inv)
	a := bare()
	a.Namespace, a.Inventory = mainNamespace, "plain"
	if err := d.sift(func(*Artifact) error { t.Error("wanted"); return nil })(a); err != nil {
		t.Fatal(err)
	}
	d.tell()
	want := "Warning: inventory registries/plain is not searched by --signed: its spec.include does not name Accessories\n" +
		"Warning: inventory registries/plain is not searched by --in annotation: its spec.include does not name Annotations\n" +
		"Warning: inventory registries/plain is not searched by --severity: its spec.include does not name Vulnerabilities\n"
	if said.String() != want {
		t.Errorf("%s\nwant %s", said.String(), want)
	}
}
