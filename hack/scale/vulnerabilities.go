// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
)

// readers is how many pages are read side by side.
const readers = 20

// vulnerabilities sums up the scans of all artifacts of the simulator, as its
// listings tell them.
func (b *bed) vulnerabilities(ctx context.Context) (sum v1alpha1.VulnerabilityCounts, err error) {
	var projects []struct{ Name string }
	if _, err := b.page(ctx, "/api/v2.0/projects?page_size=100", &projects); err != nil {
		return sum, err
	}
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	for _, project := range projects {
		path := "/api/v2.0/projects/" + project.Name + "/artifacts?with_scan_overview=true&sort=id&page_size="
		total, err := b.page(ctx, path+"1", &[]scannedArtifact{})
		if err != nil {
			return sum, err
		}
		for page := 1; (page-1)*100 < total; page++ {
			group.Go(func() error {
				var artifacts []scannedArtifact
				_, err := b.page(ctx, fmt.Sprintf("%s100&page=%d", path, page), &artifacts)
				mu.Lock()
				defer mu.Unlock()
				for _, a := range artifacts {
					a.addTo(&sum)
				}
				return err
			})
		}
	}
	return sum, group.Wait()
}

// scannedArtifact is what is read of an artifact.
type scannedArtifact struct {
	ScanOverview map[string]struct {
		Summary struct {
			Total, Fixable int64
			Summary        map[string]int64
		}
	} `json:"scan_overview"`
}

func (a *scannedArtifact) addTo(sum *v1alpha1.VulnerabilityCounts) {
	for _, report := range a.ScanOverview {
		sum.Total += report.Summary.Total
		sum.Fixable += report.Summary.Fixable
		for severity, n := range report.Summary.Summary {
			into := map[string]*int64{"Critical": &sum.Critical, "High": &sum.High, "Medium": &sum.Medium, "Low": &sum.Low}[severity]
			if into == nil {
				into = &sum.Other
			}
			*into += n
		}
	}
}

// page reads a page of a list and returns how many rows the whole has.
func (b *bed) page(ctx context.Context, path string, into any) (total int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, b.harbor.Base+path, nil)
	if err != nil {
		return 0, err
	}
	request.SetBasicAuth(testbed.SimulatorAccount, testbed.SimulatorSecret)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("GET %s: %s", request.URL.Path, response.Status)
	}
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		return 0, err
	}
	return strconv.Atoi(response.Header.Get("X-Total-Count"))
}
