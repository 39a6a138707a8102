// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// ext is what harborapi 0.26.2 offers on artifacts and reports, in its module ext
// and in the class of reports that it works on.
var ext = map[string][]string{
	"api":      {"get_artifact", "get_artifacts", "get_repositories", "get_artifact_vulnerabilities"},
	"artifact": {"filter_artifacts_latest"},
	"ArtifactInfo": {
		"artifact", "repository", "report", "cvss", "cvss_max", "name_with_digest", "name_with_tag", "project_name", "repository_name", "tags",
		"has_cve", "has_description", "has_package", "has_tag", "vuln_with_cve", "vulns_with_package", "vulns_with_description",
	},
	"ArtifactReport": {
		"from_artifacts", "is_aggregate", "cvss", "fixable", "unfixable", "critical", "high", "medium", "low", "distribution", "vulnerabilities_by_severity",
		"has_cve", "with_cve", "has_description", "with_description", "has_package", "with_package", "has_severity", "with_severity",
		"has_repository", "with_repository", "has_tag", "with_tag",
	},
	"CVSSData": {"mean", "median", "stdev", "min", "max"},
	"report":   {"top_vulns", "sort", "cvss_scores"},
}

// TestExtTable holds that replacing-harborapi.md has a row for each function and
// method of ext, and that each row says what to do and names a test; TestNamedTests
// holds that the test is there.
func TestExtTable(t *testing.T) {
	page, err := os.ReadFile("replacing-harborapi.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(page), "\n## The module ext\n")
	if !ok {
		t.Fatal("the page has no section on the module ext")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	code := regexp.MustCompile("`([A-Za-z]*)\\.([a-z_]+)`")
	named := map[string]bool{}
	for line := range strings.Lines(section) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| With ") {
			continue
		}
		if len(cells) != 3 || strings.TrimSpace(cells[1]) == "" || !regexp.MustCompile("`Test\\w+(/[^`]*)?` in internal/").MatchString(cells[2]) {
			t.Errorf("this row does not say what to do, or names no test: %s", line)
			continue
		}
		of := ""
		for _, m := range code.FindAllStringSubmatch(cells[0], -1) {
			if m[1] != "" {
				of = m[1]
			}
			named[of+"."+m[2]] = true
		}
	}
	for of, names := range ext {
		for _, name := range names {
			if !named[of+"."+name] {
				t.Errorf("the table has no row for %s.%s", of, name)
			}
		}
	}
}
