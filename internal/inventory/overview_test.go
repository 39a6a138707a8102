// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

var bothOverviews = []v1alpha1.Detail{v1alpha1.DetailVulnerabilities, v1alpha1.DetailSBOM}

func TestCarry(t *testing.T) {
	scan, sbom := &v1alpha1.Vulnerabilities{Severity: "High"}, &v1alpha1.SBOM{Digest: "sha256:5"}
	for _, test := range []struct {
		name   string
		before []v1alpha1.ArtifactEntry
		asked  []v1alpha1.Detail
		want   v1alpha1.ArtifactEntry
	}{
		{"nothing is asked for", nil, nil, v1alpha1.ArtifactEntry{}},
		{"a new artifact", nil, bothOverviews, v1alpha1.ArtifactEntry{}},
		{"one that is known to have none", []v1alpha1.ArtifactEntry{{Digest: "a", Unavailable: []string{"vulnerabilities", "sbom"}}}, bothOverviews, v1alpha1.ArtifactEntry{Unavailable: []string{"vulnerabilities", "sbom"}}},
		{"one of which something is known", []v1alpha1.ArtifactEntry{{Digest: "a", Vulnerabilities: scan, SBOM: sbom}}, bothOverviews, v1alpha1.ArtifactEntry{Vulnerabilities: scan, SBOM: sbom}},
		{"another digest", []v1alpha1.ArtifactEntry{{Digest: "b", Vulnerabilities: scan}}, bothOverviews[:1], v1alpha1.ArtifactEntry{}},
		{"what was pending stays so", []v1alpha1.ArtifactEntry{{Digest: "a", SBOM: sbom}}, bothOverviews, v1alpha1.ArtifactEntry{SBOM: sbom}},
		{"what is no longer asked for goes", []v1alpha1.ArtifactEntry{{Digest: "a", SBOM: sbom, Unavailable: []string{"vulnerabilities"}}}, bothOverviews[1:], v1alpha1.ArtifactEntry{SBOM: sbom}},
		{
			"the mark that it was cut",
			[]v1alpha1.ArtifactEntry{{Digest: "a", Vulnerabilities: scan, Truncated: []string{"tags", "vulnerabilities"}, Totals: map[string]int32{"tags": 5, "vulnerabilities": 300}}},
			bothOverviews[:1],
			v1alpha1.ArtifactEntry{Vulnerabilities: scan, Truncated: []string{"vulnerabilities"}, Totals: map[string]int32{"vulnerabilities": 300}},
		},
	} {
		entries := []v1alpha1.ArtifactEntry{{Digest: "a"}}
		Carry(entries, test.before, test.asked)
		test.want.Digest = "a"
		if diff := cmp.Diff(test.want, entries[0]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

// An entry that was read without overviews, and whose artifact was then looked
// up, is the entry that was read with them; looking again changes nothing, and
// neither does reading again without them.
func TestLookCompletesEntries(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := harbor.Artifact{ID: 1, Digest: "sha256:1", Type: "IMAGE", Tags: tagged("v1")}
		for n := range rapid.IntRange(0, 3).Draw(t, "tags") * 600 {
			a.Tags = append(a.Tags, harbor.Tag{ID: int64(n), Name: fmt.Sprintf("t%d", n)})
		}
		if rapid.Bool().Draw(t, "scanned") {
			a.Scan = &harbor.ScanOverview{
				Status: "Success", Severity: rapid.SampledFrom([]string{"High", "None", repeat("ä", 70)}).Draw(t, "severity"), Total: 3,
				BySeverity: map[string]int64{"High": 2, "Unknown": 1},
			}
		}
		if rapid.Bool().Draw(t, "with SBOM") {
			a.SBOM = &harbor.SBOMOverview{Digest: rapid.SampledFrom([]string{"", "sha256:2"}).Draw(t, "digest"), Status: rapid.SampledFrom([]string{"Success", repeat("x", 65)}).Draw(t, "status")}
		}
		asked := rapid.SampledFrom([][]v1alpha1.Detail{bothOverviews, bothOverviews[:1], bothOverviews[1:]}).Draw(t, "asked")
		want := Entry(&a, NewSet(asked))
		Answered(&want, NewSet(asked))
		plain := a
		plain.Scan, plain.SBOM = nil, nil
		read := func(before []v1alpha1.ArtifactEntry) v1alpha1.ArtifactEntry {
			entries := []v1alpha1.ArtifactEntry{Entry(&plain, NewSet(asked))}
			Carry(entries, before, asked)
			return entries[0]
		}
		pending := read(nil)
		for _, one := range asked {
			if !Pending(&pending, []v1alpha1.Detail{one}) {
				t.Fatalf("%s is not pending", one)
			}
		}
		known, changed := Look(&pending, &a, asked, true)
		if diff := cmp.Diff(want, known); diff != "" || !changed || Pending(&known, asked) {
			t.Fatalf("read at once (-), looked up (+), changed %t:\n%s", changed, diff)
		}
		if again, changed := Look(&known, &a, asked, true); changed || cmp.Diff(known, again) != "" {
			t.Fatalf("looking again: %s", cmp.Diff(known, again))
		}
		if diff := cmp.Diff(known, read([]v1alpha1.ArtifactEntry{known})); diff != "" {
			t.Fatalf("known (-), read again without overviews (+):\n%s", diff)
		}
		if unsure, changed := Look(&pending, &plain, asked, false); changed || cmp.Diff(pending, unsure) != "" {
			t.Fatalf("an answer that proves nothing has settled %v", asked)
		}
		if kept, changed := Look(&known, &plain, asked, false); changed || cmp.Diff(known, kept) != "" {
			t.Fatalf("an answer that proves nothing has changed: %s", cmp.Diff(known, kept))
		}
		if Lacks(&known, &plain, asked) != (known.Vulnerabilities != nil || known.SBOM != nil) || Lacks(&known, &a, asked) {
			t.Fatal("Lacks is wrong")
		}
	})
}

// What an entry shows of a scan is what Harbor would have to say for it.
func TestScanOf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Custom(func(t *rapid.T) int64 { return rapid.Int64Range(0, 5).Draw(t, "n") })
		v := &v1alpha1.Vulnerabilities{Severity: "High", ScanStatus: "Success", Scanner: "Trivy v0.60"}
		v.Total, v.Fixable, v.Critical, v.High = n.Draw(t, "total"), n.Draw(t, "fixable"), n.Draw(t, "critical"), n.Draw(t, "high")
		v.Medium, v.Low, v.Other = n.Draw(t, "medium"), n.Draw(t, "low"), n.Draw(t, "other")
		e := Entry(&harbor.Artifact{Digest: "a", Scan: ScanOf(v)}, NewSet(bothOverviews))
		if diff := cmp.Diff(v, e.Vulnerabilities); diff != "" {
			t.Fatalf("-given +shown:\n%s", diff)
		}
	})
	if ScanOf(nil) != nil {
		t.Error("a scan of nothing")
	}
}
