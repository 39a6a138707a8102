// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/vulnerability"
)

// The VulnerabilityReports that are written for a search.
const (
	mostReports   = 1000     // spec.vulnerabilityReports.top at its greatest
	reportBytes   = 64 << 10 // spec.vulnerabilityReports.maxBytes as it is by default
	findings      = 400      // of which as many are kept as fit
	wantedCVE     = "CVE-2021-44228"
	wantedEvery   = 10 // one report in so many holds it
	reportWriters = 8
)

// writeReports adds a full VulnerabilityReport of one artifact each of as many lists
// as there may be reports, and returns how many there are and what they take as JSON.
func (b *bed) writeReports(ctx context.Context, inv *v1alpha1.HarborInventory) (reports int, bytes int64, err error) {
	var lists v1alpha1.ArtifactListList
	if err := b.kube.List(ctx, &lists, client.InNamespace(inv.Namespace), client.Limit(mostReports)); err != nil {
		return 0, 0, err
	}
	var written atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(reportWriters)
	for i := range lists.Items {
		group.Go(func() error {
			report := fullReport(inv, &lists.Items[i], i)
			text, err := json.Marshal(report)
			if err != nil {
				return err
			}
			written.Add(int64(len(text)))
			return b.kube.Create(ctx, report)
		})
	}
	err = group.Wait()
	return len(lists.Items), written.Load(), err
}

// fullReport is the report of a list's last artifact, cut to reportBytes.
func fullReport(inv *v1alpha1.HarborInventory, of *v1alpha1.ArtifactList, number int) *v1alpha1.VulnerabilityReport {
	artifact := of.Artifacts[len(of.Artifacts)-1]
	found := &harbor.VulnerabilityReport{Scanner: "Trivy v0.58.0", Severity: "Critical"}
	for i := range findings {
		found.Found = append(found.Found, harbor.Vulnerability{
			ID: fmt.Sprintf("CVE-2026-%05d", i), Severity: "Critical", Score: 9.8, Scored: true, Package: "openssl", Version: "3.0.11-1~deb12u2",
			FixVersion: "3.0.17-1~deb12u1", Description: strings.Repeat("What it is about. ", 8),
		})
	}
	if number%wantedEvery == 0 {
		found.Found[0].ID = wantedCVE
	}
	report := vulnerability.Content(found, of.Repository, artifact.Digest, artifact.Tags, reportBytes)
	report.Namespace, report.Name = inv.Namespace, vulnerability.ReportName(inv.Name, of.Repository, artifact.Digest)
	report.Labels = map[string]string{v1alpha1.LabelInventory: inv.Name}
	report.Harbor, report.Project = of.Harbor, of.Project
	return &report
}
