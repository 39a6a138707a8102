// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"k8s.io/client-go/rest"
)

// requestCounts are the API server's own counts of requests that it has answered.
type requestCounts struct {
	lists  int64 // that write ArtifactLists, refused ones too
	status int64 // that write the status of a HarborInventory
}

func (c requestCounts) since(before requestCounts) requestCounts {
	return requestCounts{lists: c.lists - before.lists, status: c.status - before.status}
}

func (b *bed) requestCounts(ctx context.Context) (c requestCounts, err error) {
	samples, err := scrape(ctx, b.config, "apiserver_request_total", strings.TrimRight(b.config.Host, "/")+"/metrics")
	for _, s := range samples {
		resource, subresource, writes := s.labels["resource"], s.labels["subresource"], !reading[s.labels["verb"]]
		switch {
		case resource == "artifactlists" && writes:
			c.lists += int64(s.value)
		case resource == "harborinventories" && subresource == "status" && writes:
			c.status += int64(s.value)
		}
	}
	return c, err
}

var reading = map[string]bool{"GET": true, "LIST": true, "WATCH": true}

// total adds up all samples of one of the manager's metrics; 0 if it has none yet.
func (b *bed) total(ctx context.Context, address, metric string) (int64, error) {
	samples, err := scrape(ctx, &rest.Config{}, metric, "http://"+address+"/metrics")
	sum := 0.0
	for _, s := range samples {
		sum += s.value
	}
	if errors.Is(err, errNoSample) {
		err = nil
	}
	return int64(sum), err
}

// etcdSize is the size of etcd's data file, and of what is in use in it.
func (b *bed) etcdSize(ctx context.Context) (file, used int64, err error) {
	for name, into := range map[string]*int64{
		"etcd_mvcc_db_total_size_in_bytes": &file, "etcd_mvcc_db_total_size_in_use_in_bytes": &used,
	} {
		samples, err := scrape(ctx, &rest.Config{}, name, b.plane.Etcd.URL.String()+"/metrics")
		if err != nil {
			return 0, 0, err
		}
		*into = int64(samples[0].value)
	}
	return file, used, nil
}

// sample is one value of a metric.
type sample struct {
	labels map[string]string
	value  float64
}

var errNoSample = errors.New("no sample")

// scrape reads the samples of a counter or gauge, one at least, from an address
// that answers in Prometheus' text format.
func scrape(ctx context.Context, config *rest.Config, metric, url string) ([]sample, error) {
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil) //nolint:gosec // of a program of the measurement
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request) //nolint:gosec // as above
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s: %s", url, response.Status)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(response.Body)
	if err != nil {
		return nil, err
	}
	var samples []sample
	for _, m := range families[metric].GetMetric() {
		s := sample{labels: map[string]string{}, value: m.GetCounter().GetValue() + m.GetGauge().GetValue()}
		for _, l := range m.GetLabel() {
			s.labels[l.GetName()] = l.GetValue()
		}
		samples = append(samples, s)
	}
	if len(samples) == 0 {
		return nil, fmt.Errorf("%w of %s at %s", errNoSample, metric, url)
	}
	return samples, nil
}
