// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	gocmp "github.com/google/go-cmp/cmp"
)

func decodeReportOf(body string) (*VulnerabilityReport, error) {
	r, err := single(strings.NewReader(body), decodeReports)
	return r.chosen, err
}

func TestDecodeReport(t *testing.T) {
	long := strings.Repeat("é", 300)
	for name, c := range map[string]struct {
		body string
		want *VulnerabilityReport
		err  error
	}{
		"none":              {body: `{}`},
		"null":              {body: `{"` + reportType + `":null}`},
		"an empty one":      {body: `{"` + reportType + `":{}}`, want: &VulnerabilityReport{}},
		"of another type":   {body: `{"x":{"severity":"Low"}}`, want: &VulnerabilityReport{Severity: "Low"}},
		"the current first": {body: `{"` + reportType + `":{"severity":"High"},"x":{"severity":"Low"}}`, want: &VulnerabilityReport{Severity: "High"}},
		"the current last":  {body: `{"x":{"severity":"Low"},"` + reportType + `":{"severity":"High"}}`, want: &VulnerabilityReport{Severity: "High"}},
		"no list":           {body: `{"x":{"vulnerabilities":null}}`, want: &VulnerabilityReport{}},
		"odd elements":      {body: `{"x":{"vulnerabilities":[null,1,"a",{},[],{"id":1},{"id":"CVE-1"}]}}`, want: &VulnerabilityReport{Found: []Vulnerability{{ID: "CVE-1"}}}},
		"the preferred score": {
			body: `{"x":{"vulnerabilities":[{"id":"a","preferred_cvss":{"score_v3":7.5,"score_v2":5},"vendor_attributes":{"CVSS":{"nvd":{"V3Score":9.8}}}}]}}`,
			want: &VulnerabilityReport{Found: []Vulnerability{{ID: "a", Score: 7.5, Scored: true}}},
		},
		"the NVD's score": {
			body: `{"x":{"vulnerabilities":[{"id":"a","preferred_cvss":{"score_v3":null},"vendor_attributes":{"CVSS":{"redhat":{"V3Score":5.5},"nvd":{"V2Score":1,"V3Score":9.8}}}}]}}`,
			want: &VulnerabilityReport{Found: []Vulnerability{{ID: "a", Score: 9.8, Scored: true}}},
		},
		"Red Hat's score": {
			body: `{"x":{"vulnerabilities":[{"id":"a","vendor_attributes":{"CVSS":{"nvd":{"V2Score":9.8},"redhat":{"V3Score":5.5},"ghsa":{"V3Score":6}}}}]}}`,
			want: &VulnerabilityReport{Found: []Vulnerability{{ID: "a", Score: 5.5, Scored: true}}},
		},
		"a score of 0": {
			body: `{"x":{"vulnerabilities":[{"id":"a","preferred_cvss":{"score_v3":0}}]}}`,
			want: &VulnerabilityReport{Found: []Vulnerability{{ID: "a", Scored: true}}},
		},
		"impossible scores": {
			body: `{"x":{"vulnerabilities":[{"id":"a","preferred_cvss":{"score_v3":10.1}},{"id":"b","preferred_cvss":{"score_v3":-1}},{"id":"c","preferred_cvss":{"score_v3":"7"}}]}}`,
			want: &VulnerabilityReport{Found: []Vulnerability{{ID: "a"}, {ID: "b"}, {ID: "c"}}},
		},
		"a long description": {
			body: `{"x":{"vulnerabilities":[{"id":"a","description":" ` + long + `\n"}]}}`,
			want: &VulnerabilityReport{Found: []Vulnerability{{ID: "a", Description: long[:maxDescription], Cut: true}}},
		},
		"too many": {
			body: `{"x":{"vulnerabilities":[` + strings.Repeat(`{"id":"a"},`, maxFound) + `{"id":"b"}]}}`,
			err:  ErrTooLarge,
		},
		"cut off": {body: `{"x":{"vulnerabilities":[{"id":"a"}`, err: ErrInvalidResponse},
		"a list":  {body: `[]`, err: ErrInvalidResponse},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := decodeReportOf(c.body)
			if err != nil {
				err = badBody(err, nil, "")
			}
			if !errorIs(err, c.err) {
				t.Fatalf("%v, want %v", err, c.err)
			}
			if err != nil {
				return
			}
			if diff := gocmp.Diff(c.want, got); diff != "" {
				t.Errorf("wanted (-), decoded (+):\n%s", diff)
			}
		})
	}
}

// FuzzDecodeReport: any bytes are read, without panic and within the bounds; they
// are accepted exactly where they are a JSON object.
func FuzzDecodeReport(f *testing.F) {
	for _, e := range recordings(f, "vulnerabilities") {
		if kindOf(e.url.EscapedPath()) == "vulnerabilities" && len(e.body) < 20000 {
			f.Add([]byte(e.body))
		}
	}
	for _, text := range []string{
		`{}`, `[]`, `{"a":{"vulnerabilities":[{"preferred_cvss":{"score_v3":1e400}}]}}`,
		`{"a":{"vulnerabilities":[{"description":"\ud800"}]}}`, `{"a":{"vulnerabilities":[{"id":"b","id":"c"}],"vulnerabilities":[]}}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		report, err := decodeReportOf(string(body))
		if isObject := json.Valid(body) && strings.HasPrefix(strings.TrimLeft(string(body), " \t\r\n"), "{"); isObject != (err == nil) {
			t.Errorf("a JSON object: %v, decoded: %v", isObject, err)
		}
		if err != nil || report == nil {
			return
		}
		if !report.GeneratedAt.IsZero() && (report.GeneratedAt.Location() != time.UTC || report.GeneratedAt.Year() > 9999) {
			t.Errorf("generated at %v", report.GeneratedAt)
		}
		for _, v := range report.Found {
			if v == (Vulnerability{}) || v.Score < 0 || v.Score > 10 || v.Score != 0 && !v.Scored || len(v.Description) > maxDescription {
				t.Errorf("%+v", v)
			}
			for _, s := range []string{v.ID, v.Package, v.Version, v.FixVersion, v.Severity, v.Description} {
				if len(s) > maxText || !utf8.ValidString(s) {
					t.Errorf("%d bytes, %.40q", len(s), s)
				}
			}
		}
	})
}

// reportOf4039 is a report with as many findings, of as many bytes, as the largest
// that was seen (goharbor/harbor#11462): the recorded findings, again and again.
func reportOf4039(tb testing.TB) []byte {
	tb.Helper()
	var found []json.RawMessage
	for _, e := range recordings(tb, "vulnerabilities") {
		if e.status != http.StatusOK || kindOf(e.url.EscapedPath()) != "vulnerabilities" {
			continue
		}
		var body map[string]struct{ Vulnerabilities []json.RawMessage }
		unmarshal(tb, e.body, &body)
		found = append(found, body[reportType].Vulnerabilities...)
	}
	for len(found) < 4039 {
		found = append(found, found[:min(len(found), 4039-len(found))]...)
	}
	body, err := json.Marshal(map[string]any{reportType: map[string]any{"severity": "Critical", "vulnerabilities": found[:4039]}})
	if err != nil {
		tb.Fatal(err)
	}
	return body
}

// BenchmarkDecodeReport decodes the largest report that was seen both ways, in
// turn, so that the ratio holds on a busy machine.
func BenchmarkDecodeReport(b *testing.B) {
	body := reportOf4039(b)
	var own, plain time.Duration
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		start := time.Now()
		if r, err := single(bytes.NewReader(body), decodeReports); err != nil || len(r.chosen.Found) != 4039 {
			b.Fatal(err)
		}
		middle := time.Now()
		var records map[string]struct {
			Vulnerabilities []struct {
				ID, Package, Version, Severity, Description string
				FixVersion                                  string          `json:"fix_version"`
				PreferredCVSS                               json.RawMessage `json:"preferred_cvss"`
				VendorAttributes                            json.RawMessage `json:"vendor_attributes"`
			}
		}
		if err := json.NewDecoder(bytes.NewReader(body)).Decode(&records); err != nil || len(records[reportType].Vulnerabilities) != 4039 {
			b.Fatal(err)
		}
		own, plain = own+middle.Sub(start), plain+time.Since(middle)
	}
	b.ReportMetric(float64(len(body))/1e6, "MB")
	b.ReportMetric(float64(plain)/float64(own), "times-faster")
}

func ExampleVulnerability() {
	report, _ := decodeReportOf(`{"` + reportType + `":{"severity":"High","vulnerabilities":[
		{"id":"CVE-2026-0001","package":"openssl","version":"3.0.1","fix_version":"3.0.2","severity":"High","preferred_cvss":{"score_v3":7.5}}]}}`)
	fmt.Printf("%+v\n", report.Found[0])
	// Output: {ID:CVE-2026-0001 Package:openssl Version:3.0.1 FixVersion:3.0.2 Severity:High Description: Cut:false Score:7.5 Scored:true}
}
