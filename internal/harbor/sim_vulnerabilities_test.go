// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor_test

import (
	"testing"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// TestReportsAgreeWithOverviews reads the report of every recorded artifact: it
// holds as many findings of each severity as the overview tells of, and there is
// none exactly where there is no overview of a scan that succeeded.
func TestReportsAgreeWithOverviews(t *testing.T) {
	registry := harbortest.Recorded()
	srv := harbortest.NewServer(t, registry, harbortest.Options{})
	c := newClient(t, srv.URL, func(config *harbor.Config) { config.Password = harbortest.RecordedRobotSecret })
	found, without, refused := 0, 0, 0
	artifacts, _ := registry.Listed("library", "team-a", "data.science")
	for _, a := range artifacts {
		listed, err := c.Artifact(t.Context(), a.Repository, a.Digest, harbor.Details{Scan: true})
		check(t, err)
		report, err := c.Vulnerabilities(t.Context(), a.Repository, a.Digest)
		switch {
		case is(err, harbor.ErrNotFound):
			refused++
			if listed.Scan != nil {
				t.Errorf("%s@%s has an overview and no report", a.Repository, a.Digest)
			}
			continue
		case err != nil:
			t.Fatal(err)
		case report == nil:
			without++
			if listed.Scan != nil && listed.Scan.Total > 0 {
				t.Errorf("%s@%s has an overview and no report", a.Repository, a.Digest)
			}
			continue
		}
		found++
		bySeverity := map[string]int64{}
		for _, v := range report.Found {
			bySeverity[v.Severity]++
		}
		for _, severity := range []string{"Critical", "High", "Medium", "Low"} {
			if listed.Scan != nil && bySeverity[severity] != listed.Scan.BySeverity[severity] {
				t.Errorf("%s@%s: %d findings are %s, the overview says %d", a.Repository, a.Digest, bySeverity[severity], severity, listed.Scan.BySeverity[severity])
			}
		}
		if listed.Scan != nil && (report.Severity != listed.Scan.Severity || report.Scanner != listed.Scan.Scanner || report.GeneratedAt.IsZero()) {
			t.Errorf("%s@%s: severity %s by %s, the overview says %s by %s", a.Repository, a.Digest,
				report.Severity, report.Scanner, listed.Scan.Severity, listed.Scan.Scanner)
		}
	}
	t.Logf("%d reports, %d artifacts without, %d of types that cannot be scanned", found, without, refused)
	if found < 20 || without == 0 || refused == 0 {
		t.Error("the recorded artifacts are too much alike for this test")
	}
}

func TestNoReport(t *testing.T) {
	srv := recordedServer(t)
	c := simClient(t, srv.URL)
	for _, err := range []error{
		second(c.Vulnerabilities(t.Context(), "team-a/nothing", "latest")),
		second(c.Vulnerabilities(t.Context(), "team-a/api", "nothing")),
		second(c.Vulnerabilities(t.Context(), "team-a/charts/app", "1.0.0")), // a chart cannot be scanned
	} {
		if !is(err, harbor.ErrNotFound) {
			t.Errorf("%v is not ErrNotFound", err)
		}
	}
	if _, err := c.Vulnerabilities(t.Context(), "team-a/api", "a/b"); !is(err, harbor.ErrBadRequest) {
		t.Errorf("%v is not ErrBadRequest", err)
	}
	bounded := simClient(t, srv.URL, func(config *harbor.Config) { config.MaxBodyBytes = 100_000 })
	if _, err := bounded.Vulnerabilities(t.Context(), "team-a/scan-many", "v0"); !is(err, harbor.ErrTooLarge) {
		t.Errorf("%v is not ErrTooLarge", err) // its body has 728,321 bytes
	}
	if _, err := bounded.Vulnerabilities(t.Context(), "team-a/api", "v1.1.0"); err != nil {
		t.Error(err)
	}
}
