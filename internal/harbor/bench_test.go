// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"
)

// plainRecord is what a decoder of encoding/json needs to read the same.
type plainRecord struct {
	ID                int64     `json:"id"`
	ProjectID         int64     `json:"project_id"`
	RepositoryID      int64     `json:"repository_id"`
	RepositoryName    string    `json:"repository_name"`
	Digest            string    `json:"digest"`
	Type              string    `json:"type"`
	MediaType         string    `json:"media_type"`
	ManifestMediaType string    `json:"manifest_media_type"`
	ArtifactType      string    `json:"artifact_type"`
	Size              int64     `json:"size"`
	PushTime          time.Time `json:"push_time"`
	Tags              []struct {
		ID        int64     `json:"id"`
		Name      string    `json:"name"`
		PushTime  time.Time `json:"push_time"`
		Immutable bool      `json:"immutable"`
	} `json:"tags"`
	Labels []struct {
		ID    int64  `json:"id"`
		Name  string `json:"name"`
		Scope string `json:"scope"`
	} `json:"labels"`
	Accessories []struct {
		ID     int64  `json:"id"`
		Type   string `json:"type"`
		Digest string `json:"digest"`
		Size   int64  `json:"size"`
	} `json:"accessories"`
	References []struct {
		Platform struct{ OS, Architecture, Variant string } `json:"platform"`
	} `json:"references"`
	ExtraAttrs struct {
		OS           string `json:"os"`
		Architecture string `json:"architecture"`
		Variant      string `json:"variant"`
	} `json:"extra_attrs"`
	Annotations  map[string]string `json:"annotations"`
	ScanOverview map[string]struct {
		Status   string                         `json:"scan_status"`
		Severity string                         `json:"severity"`
		Scanner  struct{ Name, Version string } `json:"scanner"`
		Summary  struct {
			Total, Fixable int64
			Summary        map[string]int64
		} `json:"summary"`
	} `json:"scan_overview"`
	SBOMOverview struct {
		Digest string `json:"sbom_digest"`
		Status string `json:"scan_status"`
	} `json:"sbom_overview"`
}

// pageOf100 is a page of 100 recorded artifacts, with all details.
func pageOf100(tb testing.TB) []byte {
	tb.Helper()
	var rows []json.RawMessage
	for len(rows) < 100 {
		for _, e := range recordings(tb, "artifacts-all-repositories-flags-on", "partial-answers-200") {
			var page []json.RawMessage
			if kindOf(e.url.EscapedPath()) == "artifacts" && json.Unmarshal([]byte(e.body), &page) == nil {
				rows = append(rows, page...)
			}
		}
	}
	body, err := json.Marshal(rows[:100])
	if err != nil {
		tb.Fatal(err)
	}
	return body
}

// BenchmarkDecodePage decodes a page both ways, in turn, so that the ratio
// holds on a busy machine.
func BenchmarkDecodePage(b *testing.B) {
	body := pageOf100(b)
	var own, plain time.Duration
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		start := time.Now()
		if artifacts, err := list(bytes.NewReader(body), everything.decode, 0); err != nil || len(artifacts) != 100 {
			b.Fatal(len(artifacts), err)
		}
		middle := time.Now()
		var records []plainRecord
		if err := json.NewDecoder(bytes.NewReader(body)).Decode(&records); err != nil || len(records) != 100 {
			b.Fatal(len(records), err)
		}
		own, plain = own+middle.Sub(start), plain+time.Since(middle)
	}
	b.ReportMetric(float64(own.Microseconds())/float64(b.N), "own-us/op")
	b.ReportMetric(float64(plain.Microseconds())/float64(b.N), "encoding/json-us/op")
	b.ReportMetric(float64(plain)/float64(own), "times-faster")
}

// BenchmarkDecodePageMemory is what decoding a page allocates.
func BenchmarkDecodePageMemory(b *testing.B) {
	body := pageOf100(b)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := list(bytes.NewReader(body), everything.decode, 0); err != nil {
			b.Fatal(err)
		}
	}
}
