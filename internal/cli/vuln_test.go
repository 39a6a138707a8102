// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
	"github.com/harbor-inventory/harbor-inventory/internal/vulnerability"
)

var reportsOnce sync.Once

// reported makes VulnerabilityReports of some recorded artifacts of the inventory
// production, as the operator would: of five in all, the largest is cut.
func reported(t *testing.T) {
	t.Helper()
	fill(t)
	reportsOnce.Do(func() {
		c := kube(t)
		inv := inventoryOf(mainNamespace, "production")
		if err := c.Get(t.Context(), client.ObjectKeyFromObject(inv), inv); err != nil {
			t.Fatal(err)
		}
		inv.Spec.VulnerabilityReports = &v1alpha1.VulnerabilityReports{MinSeverity: v1alpha1.SeverityHigh, Top: 5}
		if err := c.Update(t.Context(), inv); err != nil {
			t.Fatal(err)
		}
		inv.Status.VulnerabilityReports = &v1alpha1.VulnerabilityReportsStatus{Eligible: 17, Selected: 5, LeftOut: 12, Written: 5, Cut: 1}
		if err := c.Status().Update(t.Context(), inv); err != nil {
			t.Fatal(err)
		}
		server := harbortest.NewServer(t, harbortest.Recorded(), harbortest.Options{})
		source, err := harbor.New(harbor.Config{URL: server.URL, Username: harbortest.AdminName, Password: harbortest.AdminSecret})
		if err != nil {
			t.Fatal(err)
		}
		defer source.Close()
		for _, name := range []string{"team-a/scan-many:v0", "team-a/api:v1.1.0", "team-a/api:latest", "library/nginx:1.27.0", "library/multi:2.0"} {
			repository, tag, _ := strings.Cut(name, ":")
			artifact, err := source.Artifact(t.Context(), repository, tag, harbor.Details{})
			if err != nil {
				t.Fatal(err)
			}
			found, err := source.Vulnerabilities(t.Context(), repository, tag)
			if err != nil {
				t.Fatal(err)
			}
			report := vulnerability.Content(found, repository, artifact.Digest, []string{tag}, 65536)
			report.Namespace, report.Name = mainNamespace, vulnerability.ReportName("production", repository, artifact.Digest)
			report.Labels = map[string]string{v1alpha1.LabelInventory: "production"}
			report.Harbor, report.Project = "https://harbor.example.com", strings.Split(repository, "/")[0]
			if err := c.Create(t.Context(), &report); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func vuln(t *testing.T, args ...string) answer {
	t.Helper()
	reported(t)
	return invokeIn(t, func(*environment) {}, append([]string{"vuln"}, args...)...)
}

// TestVulnSummary: what is summed up is what the library computes of all findings
// that Harbor has, also of the report that was cut.
func TestVulnSummary(t *testing.T) {
	got := vuln(t, "-o", "json", "--top", "3")
	if got.code != exitOK {
		t.Fatalf("%+v", got)
	}
	var summary vulnSummary
	if err := json.Unmarshal([]byte(got.out), &summary); err != nil {
		t.Fatal(err)
	}
	if summary.Reports != 5 || summary.Cut != 1 || summary.Counts.Total < 900 || summary.CVSS.Scored+summary.CVSS.Unscored != summary.Counts.Total {
		t.Errorf("%+v", summary)
	}
	if len(summary.Top) != 3 || summary.Top[0].ID != "CVE-2021-44228" || summary.Top[0].Artifacts != 5 || !summary.Top[0].Fixable {
		t.Errorf("%+v", summary.Top)
	}
	// What Python's module statistics computes of the same recorded reports, as harborapi does.
	c := summary.CVSS
	for name, figure := range map[string][2]float64{
		"mean": {4.551115075825156, c.Mean}, "median": {5.3, c.Median}, "stdev": {2.924111755570768, c.Stdev}, "min": {0, c.Min}, "max": {9.8, c.Max},
	} {
		if math.Abs(figure[0]-figure[1]) > 1e-9 {
			t.Errorf("%s is %v, want %v", name, figure[1], figure[0])
		}
	}
	text := vuln(t, "--top", "3")
	for _, want := range []string{"Reports:", "5, 1 of them cut", "  Critical:", "CVSS v3:", "  Unscored:", "\nCVE-2021-44228   Critical   9.8    5           yes"} {
		if !strings.Contains(text.out, want) {
			t.Errorf("the summary lacks %q:\n%s", want, text.out)
		}
	}
	if !strings.Contains(text.err, "Warning: inventory registries/production has reports of its 5 worst artifacts, and none of 12 with one of severity High or higher, 2 with lesser ones alone, 5 with negligible ones at most, 50 without the result of a scan\n") {
		t.Errorf("standard error: %s", text.err)
	}
	scored := vuln(t, "--scored-only")
	if !strings.Contains(scored.out, ", which are left out") {
		t.Errorf("%s", scored.out)
	}
	one := vuln(t, "--cve", "CVE-2021-44228", "--repository", "library/nginx", "--summary", "-o", "json")
	if err := json.Unmarshal([]byte(one.out), &summary); err != nil || summary.Reports != 1 {
		t.Errorf("%v, %+v", err, summary)
	}
}

func TestVulnSearch(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		rows []string // repositories and identifiers, as "repository id"; nil: not compared
		err  string
	}{
		{
			name: "cve",
			args: []string{"--cve", "cve-2021-44228", "-t", "1.27.0", "--match", "contains"},
			rows: []string{"library/nginx CVE-2021-44228"},
		},
		{name: "cve, exactly, in all reports", args: []string{"--cve", "CVE-2021-44228", "--match", "exact", "-r", "team-a/api"}, rows: []string{"team-a/api CVE-2021-44228", "team-a/api CVE-2021-44228"}},
		{name: "regex", args: []string{"--cve", "^CVE-2021-4422[0-9]$", "--match", "regex", "-r", "nginx"}, rows: []string{"library/nginx CVE-2021-44228"}},
		{name: "a package and versions", args: []string{"--package", "log4j", "--min-version", "2.14", "--max-version", "2.14.1", "-r", "^library/nginx$", "--match", "regex", "--severity", "Critical"}, rows: []string{"library/nginx CVE-2021-44228"}},
		{name: "a version too new", args: []string{"--package", "log4j", "--min-version", "2.15", "-r", "library/nginx"}, err: "No such vulnerability in 5 reports."},
		{name: "a description", args: []string{"--description", "JAVA", "-r", "library/nginx"}, err: "No such vulnerability in 5 reports."},
		{name: "perhaps more", args: []string{"--cve", "CVE-2021-44228", "-r", "scan-many"}, rows: []string{"team-a/scan-many CVE-2021-44228"}, err: "Warning: there may be more of the kind: reports shown here that were cut (maxBytes): 1\n"},
		{name: "no proof", args: []string{"--cve", "CVE-1999-0001"}, err: "Warning: it may be there all the same: reports with nothing of the kind that were cut (maxBytes): 1\n  harbor.example.com/team-a/scan-many@sha256:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := vuln(t, append(c.args, "-o", "jsonl")...)
			if got.code != exitOK {
				t.Fatalf("%+v", got)
			}
			var rows []string
			for line := range strings.Lines(got.out) {
				var v vulnFinding
				if err := json.Unmarshal([]byte(line), &v); err != nil {
					t.Fatal(err)
				}
				rows = append(rows, v.Repository+" "+v.ID)
			}
			if diff := cmp.Diff(c.rows, rows); diff != "" {
				t.Errorf("wanted (-), printed (+):\n%s", diff)
			}
			if table := vuln(t, c.args...); !strings.Contains(table.err, c.err) || len(c.rows) > 0 && strings.Count(table.out, "\n") != len(c.rows)+1 {
				t.Errorf("%+v", table)
			}
		})
	}
}

func TestVulnOutputs(t *testing.T) {
	args := []string{"--cve", "CVE-2021-44228", "-r", "library"}
	if got := vuln(t, append(args, "-o", "name")...); strings.Count(got.out, "harbor.example.com/library/") != 2 || strings.Count(got.out, "\n") != 2 {
		t.Errorf("%+v", got)
	}
	if got := vuln(t, append(args, "-o", "wide")...); !strings.Contains(got.out, "DESCRIPTION") || !strings.Contains(got.out, "log4j-core: a flaw was found in log4j-core") {
		t.Errorf("%+v", got)
	}
	var list struct{ Items []vulnFinding }
	if got := vuln(t, append(args, "-o", "json")...); json.Unmarshal([]byte(got.out), &list) != nil || len(list.Items) != 2 || list.Items[0].FixVersion == "" {
		t.Errorf("%+v", got)
	}
	for format, want := range map[string]string{
		"yaml": "items:\n- cvss: \"9.8\"\n",
		"jsonpath={range .items[*]}{.digest}:{.package} {end}":     "sha256:f2ba589b1a3cd437c668d0a3dc1b431af8b78f19d6c7225e01fb0949a3ccdcee:log4j-core sha256:0a43",
		"custom-columns=WHAT:.id,IN:.repository,FIX:.fixVersion":   "WHAT             IN              FIX\nCVE-2021-44228   library/multi   2.15.0, 2.3.1, 2.12.2\n",
		"custom-columns=WHAT:.id,IN:.repository,NOTHING:.nowhere,": "",
	} {
		got := vuln(t, append(args, "-o", format)...)
		if want == "" && got.code != exitUsage || want != "" && got.code != exitOK || !strings.HasPrefix(got.out, want) {
			t.Errorf("-o %s: %+v", format, got)
		}
	}
	if got := vuln(t, "-o", "jsonpath={.cut} of {.reports}"); got.out != "1 of 5" {
		t.Errorf("%+v", got)
	}
	if got := vuln(t, "-o", "yaml"); !strings.Contains(got.out, "\nreports: 5\n") {
		t.Errorf("%+v", got)
	}
	if got := vuln(t, "-A", "--cve", "CVE-2021-44228"); !strings.HasPrefix(got.out, "NAMESPACE") || strings.Count(got.out, "\nregistries ") != 5 {
		t.Errorf("%+v", got)
	}
	unfixable := vuln(t, "--fixable=false", "-o", "jsonl")
	if strings.Contains(unfixable.out, `"fixVersion"`) || !strings.Contains(unfixable.out, `"id"`) {
		t.Errorf("%.300s", unfixable.out)
	}
}

func TestVulnUsage(t *testing.T) {
	for want, args := range map[string][]string{
		`error: --cve: "(" is no regular expression`:                          {"--match", "regex", "--cve", "("},
		`error: --min-version "new" is no version`:                            {"--min-version", "new"},
		`error: --match="glob": want contains, exact, regex`:                  {"--match", "glob", "--cve", "x"},
		`error: --output="csv": want wide, name, json, jsonl`:                 {"-o", "csv"},
		`error: --output="name" is for a list of vulnerabilities: give a con`: {"-o", "name"},
		`error: --top=-1: give a number of identifiers`:                       {"--top", "-1"},
	} {
		if got := vuln(t, args...); got.code != exitUsage || !strings.HasPrefix(got.err, want) || got.out != "" {
			t.Errorf("%v: %+v, want %s", args, got, want)
		}
	}
	got := invokeIn(t, func(*environment) {}, "vuln", "-n", otherNamespace)
	if got.code != exitOK || got.out != "" || !strings.HasSuffix(got.err, "No VulnerabilityReports found in namespace edge: spec.vulnerabilityReports of a HarborInventory asks for them.\n") {
		t.Errorf("%+v", got)
	}
}
