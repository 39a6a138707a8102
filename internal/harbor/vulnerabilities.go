// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// VulnerabilityReport is what a scanner found in one artifact; of an index, what
// it found in its children.
type VulnerabilityReport struct {
	GeneratedAt time.Time
	Scanner     string // name and version
	Severity    string // the worst found, as the scanner names it
	Found       []Vulnerability
}

// Vulnerability is one finding: an identifier in one version of one package.
type Vulnerability struct {
	ID, Package, Version string
	FixVersion           string // empty: nothing to update to
	Severity             string
	// Description is cut to 512 bytes; Cut tells of it.
	Description string
	Cut         bool
	// Score is the CVSS v3 base score, from 0 to 10; 0 where Scored is false.
	Score  float64
	Scored bool
}

const (
	// maxFound bounds the findings of one report. 4,039 were seen, in 3.7 MB
	// (goharbor/harbor#11462).
	maxFound = 20_000
	// maxDescription is what is kept of a description, in bytes.
	maxDescription = 512
)

// Vulnerabilities reads the report of an artifact, given by digest or tag. It is
// nil where there is none: the artifact has not been scanned, or its scan failed.
// The error is [ErrNotFound] where the artifact is gone or its type cannot be
// scanned, and [ErrTooLarge] with more than 20,000 findings.
//
// Needs the right artifact-addition:read.
func (c *Client) Vulnerabilities(ctx context.Context, repository, reference string) (*VulnerabilityReport, error) {
	path, err := artifactPath(repository, reference)
	if err != nil {
		return nil, err
	}
	what := call{
		endpoint: "artifacts.vulnerabilities", path: path + "/additions/vulnerabilities",
		header: http.Header{"X-Accept-Vulnerabilities": {reportType}},
	}
	reports, err := get(ctx, c, what, decodeReports, nil)
	return reports.chosen, err
}

// reports are those of one answer, by media type.
type reports struct {
	chosen  *VulnerabilityReport
	current bool // chosen is of reportType
}

// decodeReports keeps the report of the current type, or whichever is there.
func decodeReports(d *decoder, r *reports) error {
	return d.object(func(name string) error {
		if r.current || d.PeekKind() != '{' {
			return d.skip()
		}
		report := &VulnerabilityReport{}
		if err := decodeReport(d, report); err != nil {
			return err
		}
		r.current = name == reportType
		if r.chosen == nil || r.current {
			r.chosen = report
		}
		return nil
	})
}

func decodeReport(d *decoder, r *VulnerabilityReport) error {
	return d.object(func(name string) error {
		switch name {
		case "generated_at":
			return d.time(&r.GeneratedAt)
		case "scanner":
			var s ScanOverview
			err := decodeScanner(d, &s)
			r.Scanner = s.Scanner
			return err
		case "severity":
			return d.name(&r.Severity)
		case "vulnerabilities":
			r.Found = nil // of equal names the last one counts
			return d.array(func() error {
				if len(r.Found) >= maxFound {
					return ErrTooLarge
				}
				v := grow(&r.Found)
				err := decodeVulnerability(d, v)
				if *v == (Vulnerability{}) {
					r.Found = r.Found[:len(r.Found)-1]
				}
				return err
			})
		default:
			return d.skip()
		}
	})
}

func decodeVulnerability(d *decoder, v *Vulnerability) error {
	var preferred, byVendor score
	err := d.object(func(name string) error {
		switch name {
		case "id":
			return d.text(&v.ID)
		case "package":
			return d.name(&v.Package)
		case "version":
			return d.name(&v.Version)
		case "fix_version":
			return d.name(&v.FixVersion)
		case "severity":
			return d.name(&v.Severity)
		case "description":
			return decodeDescription(d, v)
		case "preferred_cvss":
			return decodeScore(d, "score_v3", &preferred)
		case "vendor_attributes":
			return decodeVendors(d, &byVendor)
		default:
			return d.skip()
		}
	})
	if !preferred.given {
		preferred = byVendor
	}
	v.Score, v.Scored = preferred.value, preferred.given
	return err
}

func decodeDescription(d *decoder, v *Vulnerability) error {
	b, err := d.bytes()
	text := strings.TrimSpace(string(b))
	v.Description, v.Cut = cutText(text, maxDescription), len(text) > maxDescription
	return err
}

// score is a CVSS base score; they have one digit after the point.
type score struct {
	value float64
	given bool
}

func decodeScore(d *decoder, member string, s *score) error {
	*s = score{}
	return d.object(func(name string) error {
		if name != member || d.PeekKind() != '0' {
			return d.skip()
		}
		raw, err := d.ReadValue()
		if err != nil {
			return err
		}
		if n, err := strconv.ParseFloat(string(raw), 64); err == nil && n >= 0 && n <= 10 {
			*s = score{value: math.Round(n*10) / 10, given: true}
		}
		return nil
	})
}

// decodeVendors takes the score that the NVD gives, or else Red Hat: of scanners
// that leave the preferred one out, as Trivy does.
func decodeVendors(d *decoder, s *score) error {
	var nvd, redhat score
	err := d.object(func(name string) error {
		if name != "CVSS" {
			return d.skip()
		}
		return d.object(func(vendor string) error {
			switch vendor {
			case "nvd":
				return decodeScore(d, "V3Score", &nvd)
			case "redhat":
				return decodeScore(d, "V3Score", &redhat)
			default:
				return d.skip()
			}
		})
	})
	if *s = nvd; !nvd.given {
		*s = redhat
	}
	return err
}
