// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/harbor-inventory/harbor-inventory/internal/fetch"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// detailed returns a registry with p/tagged, p/untagged (more artifacts without
// a tag than are read one by one) and p/mixed; each artifact has a label and a
// signature.
func detailed(t *testing.T) *harbortest.Registry {
	t.Helper()
	reg := robot(harbortest.New(harbortest.WithClock(seconds())))
	project(reg, "p")
	label, err := reg.CreateLabel(harbortest.Label{Name: "checked"})
	if err != nil {
		t.Fatal(err)
	}
	push := func(repository string, n int, tagged func(i int) bool) {
		for i := range n {
			var image harbortest.Image
			if tagged(i) {
				image.Tags = []string{fmt.Sprintf("v%d", i), fmt.Sprintf("w%d", i)}
			}
			digest := reg.Push(repository, image)
			if err := reg.AddLabel(repository, digest, label); err != nil {
				t.Fatal(err)
			}
			reg.PushAccessory(repository, digest, harbortest.Accessory{})
		}
	}
	push("p/tagged", 600, func(int) bool { return true })
	push("p/untagged", fetch.SingleReads+50, func(int) bool { return false })
	push("p/mixed", 130, func(i int) bool { return i%3 > 0 })
	return reg
}

// Whatever share of the details Harbor leaves out of its answers: a repository
// comes with all its tags, or is named by a failure.
func TestTagsThatHarborLeavesOut(t *testing.T) {
	for _, drop := range []float64{0.01, 0.05, 0.2, 0.5, 0.9, 1} {
		t.Run(fmt.Sprint(drop), func(t *testing.T) {
			reg := detailed(t)
			srv := harbortest.NewServer(t, reg, harbortest.Options{})
			srv.Inject(harbortest.Rule{Fault: harbortest.DatabaseShort(harbortest.Shortage{Drop: drop})})
			req := request(t)
			req.Details = harbor.Details{Tags: true, Labels: true, Accessories: true}
			report, sink := run(t, srv, req)
			failed := 0
			for _, name := range []string{"p/tagged", "p/untagged", "p/mixed"} {
				isFailed := slices.ContainsFunc(report.Failures, func(f fetch.Failure) bool {
					return f.Repository == name && f.Reason == fetch.ReasonPartialAnswer
				})
				read, isRead := sink.repositories[name]
				if isFailed == isRead {
					t.Errorf("%s: failed %t, read %t", name, isFailed, isRead)
				}
				if isRead {
					same(t, listed(reg, name), linesOf(read))
				} else {
					failed++
				}
			}
			if drop < 0.5 && failed > 0 {
				t.Errorf("failures %v", report.Failures)
			}
			if drop == 1 && failed != 1 { // p/tagged: no listing shows a tag, and there are too many to read one by one
				t.Errorf("%d failed: %v", failed, report.Failures)
			}
			t.Logf("%d requests", srv.Stats().Total)
		})
	}
}

// A quiet Harbor is asked once for the artifacts without tags, not for each.
func TestUntaggedArtifactsCostOneRequest(t *testing.T) {
	reg := detailed(t)
	srv := harbortest.NewServer(t, reg, harbortest.Options{})
	report, sink := run(t, srv, request(t))
	clean(t, report, sink)
	same(t, listed(reg, ""), sink.lines())
	// Pages of 600, 150 and 130 artifacts; tags=nil of the last two.
	if got, want := srv.Stats().Requests(harbortest.ClassArtifacts), 6+2+2+2; got != want {
		t.Errorf("%d requests for artifacts, want %d", got, want)
	}
	if n := srv.Stats().Requests(harbortest.ClassTags); n != 0 {
		t.Errorf("%d requests for tags", n)
	}
	if report.Unverified != 0 {
		t.Errorf("%d unverified", report.Unverified)
	}
}

// Tags are missing in one answer only, while other artifacts lose theirs: it may
// be that as many are without as before, and yet not the same ones.
func TestTagsLeftOutWhileOthersAreDeleted(t *testing.T) {
	for _, troubled := range []bool{false, true} {
		for untagged := range 11 {
			t.Run(fmt.Sprint(troubled, untagged), func(t *testing.T) { tagsLeftOut(t, troubled, untagged) })
		}
	}
}

func tagsLeftOut(t *testing.T, troubled bool, untagged int) {
	t.Helper()
	reg := robot(harbortest.New(harbortest.WithClock(seconds())))
	project(reg, "p")
	reg.Push("p/r", harbortest.Image{})
	fill(reg, "p/r", 10)
	reg.Push("p/r", harbortest.Image{})
	lists := 0
	srv := harbortest.NewServer(t, reg, harbortest.Options{Observer: func(r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/artifacts") {
			return
		}
		if lists++; lists == 2 {
			for i := range untagged {
				_ = reg.DeleteTag("p/r", fmt.Sprintf("v%d", i))
			}
		}
	}})
	srv.Inject(harbortest.Rule{Class: harbortest.ClassArtifacts, Count: 1, Fault: harbortest.DatabaseShort(harbortest.Shortage{Drop: 0.4})})
	if troubled {
		srv.Inject(harbortest.Rule{Class: harbortest.ClassProjects, Count: 1, Fault: harbortest.InternalError()})
	}
	before := listed(reg, "")
	req := request(t)
	req.Workers = 1
	report, sink := run(t, srv, req)
	clean(t, report, sink)
	after, read := listed(reg, ""), linesOf(sink.repositories["p/r"])
	for _, line := range read {
		if strings.HasSuffix(line, "[]") && !slices.Contains(after, line) {
			t.Errorf("%s is without tags", line)
		}
	}
	if troubled && sink.repositories["p/r"].Verified && !slices.Equal(read, before) && !slices.Equal(read, after) {
		t.Error("verified, and like neither state")
	}
}

// What lacks in one listing is in the next: while Harbor is in trouble it is asked for.
func TestLabelsAndAccessoriesInTrouble(t *testing.T) {
	reg := detailed(t)
	srv := harbortest.NewServer(t, reg, harbortest.Options{})
	full := func(r *http.Request) bool { return strings.Contains(r.URL.RawQuery, "with_label=true") }
	srv.Inject(
		harbortest.Rule{Class: harbortest.ClassProjects, Count: 1, Fault: harbortest.InternalError()},
		harbortest.Rule{Class: harbortest.ClassArtifacts, Path: "/tagged/", If: full, Count: 3, Fault: harbortest.DatabaseShort(harbortest.Shortage{Drop: 0.3})},
	)
	req := request(t)
	req.Details = harbor.Details{Tags: true, Labels: true, Accessories: true}
	report, sink := run(t, srv, req)
	clean(t, report, sink)
	same(t, listed(reg, ""), sink.lines())
	for name, r := range sink.repositories {
		for _, a := range r.Artifacts {
			if len(a.Labels) != 1 || len(a.Accessories) != 1 {
				t.Errorf("%s@%s: labels %v, accessories %v", name, a.Digest, a.Labels, a.Accessories)
			}
		}
	}
}

// Queries are passed on, and do not confuse the check of tags.
func TestQueries(t *testing.T) {
	for _, c := range []struct {
		query string
		keep  func(a harbortest.ListedArtifact) bool
	}{
		{"tags=*", func(a harbortest.ListedArtifact) bool { return len(a.Tags) > 0 }},
		{"tags=nil", func(a harbortest.ListedArtifact) bool { return len(a.Tags) == 0 }},
		{"tags=v7", func(a harbortest.ListedArtifact) bool { return slices.Contains(a.Tags, "v7") }},
		{"type=IMAGE", func(harbortest.ListedArtifact) bool { return true }},
		{"type=CHART", func(harbortest.ListedArtifact) bool { return false }},
	} {
		for _, drop := range []float64{0, 0.1} {
			t.Run(fmt.Sprint(c.query, " ", drop), func(t *testing.T) {
				reg := detailed(t)
				srv := harbortest.NewServer(t, reg, harbortest.Options{})
				srv.Inject(harbortest.Rule{Class: harbortest.ClassArtifacts, Fault: harbortest.DatabaseShort(harbortest.Shortage{Drop: drop})})
				req := request(t)
				req.Query = c.query
				report, sink := run(t, srv, req)
				clean(t, report, sink)
				var want []string
				artifacts, _ := reg.Listed()
				for _, a := range artifacts {
					if c.keep(a) {
						want = append(want, lineOf(a))
					}
				}
				slices.Sort(want)
				same(t, want, sink.lines())
				if len(sink.repositories) != 3 {
					t.Errorf("repositories %q", sink.names())
				}
			})
		}
	}
	t.Run("bad", func(t *testing.T) {
		srv := harbortest.NewServer(t, detailed(t), harbortest.Options{})
		for _, query := range []string{"tags", "id=3"} {
			req := request(t)
			req.Query = query
			report, sink := run(t, srv, req)
			if len(report.Failures) != 3 || report.Failures[0].Reason != fetch.ReasonBadQuery || len(sink.repositories) > 0 {
				t.Errorf("%s: failures %v, repositories %q", query, report.Failures, sink.names())
			}
		}
	})
}

func TestConfirm(t *testing.T) {
	reg := detailed(t)
	srv := harbortest.NewServer(t, reg, harbortest.Options{})
	c := client(t, srv)
	all := harbor.Details{Tags: true, Labels: true, Accessories: true}
	artifact, err := c.Artifact(t.Context(), "p/tagged", "v1", all)
	if err != nil {
		t.Fatal(err)
	}
	lost := artifact
	lost.Labels, lost.Accessories = nil, nil
	remove := srv.Inject(harbortest.Rule{Class: harbortest.ClassArtifact, Count: 1, Fault: harbortest.DatabaseShort(harbortest.Shortage{Drop: 1})})
	if err := fetch.Confirm(t.Context(), c, "p/tagged", &lost, all); err != nil {
		t.Fatal(err)
	}
	remove()
	if len(lost.Labels) != 1 || len(lost.Accessories) != 1 {
		t.Errorf("labels %v, accessories %v", lost.Labels, lost.Accessories)
	}

	// Accessories come from the endpoint that reports its errors.
	lost.Accessories = nil
	remove = srv.Inject(harbortest.Rule{Class: harbortest.ClassArtifact, Fault: harbortest.DatabaseShort(harbortest.Shortage{Drop: 1})})
	if err := fetch.Confirm(t.Context(), c, "p/tagged", &lost, all); err != nil || len(lost.Accessories) != 1 {
		t.Errorf("accessories %v, error %v", lost.Accessories, err)
	}
	srv.Inject(harbortest.Rule{Class: harbortest.ClassAccessories, Fault: harbortest.InternalError()})
	lost.Accessories = nil
	if err := fetch.Confirm(t.Context(), c, "p/tagged", &lost, all); err == nil || len(lost.Accessories) != 0 {
		t.Errorf("accessories %v, error %v", lost.Accessories, err)
	}
	remove()

	if err := reg.DeleteArtifact("p/tagged", "v1"); err != nil {
		t.Fatal(err)
	}
	if err := fetch.Confirm(t.Context(), c, "p/tagged", &lost, all); err != nil {
		t.Errorf("an artifact that is gone: %v", err)
	}
}
