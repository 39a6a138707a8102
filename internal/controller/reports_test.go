// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// reporting asks for reports of the worst artifacts.
func reporting(least v1alpha1.Severity, top int32) func(*v1alpha1.HarborInventorySpec) {
	return func(s *v1alpha1.HarborInventorySpec) {
		withVulnerabilities(s)
		s.VulnerabilityReports = &v1alpha1.VulnerabilityReports{MinSeverity: least, Top: top}
	}
}

func (w *world) reports(name string) []v1alpha1.VulnerabilityReport {
	w.Helper()
	var reports v1alpha1.VulnerabilityReportList
	if err := kube.List(w.Context(), &reports, client.InNamespace(w.ns), client.MatchingLabels{v1alpha1.LabelInventory: name}); err != nil {
		w.Fatal(err)
	}
	return reports.Items
}

// reported waits until the reports of an inventory are as want says, one line
// each: "repository critical high ...", in any order, and the status says so.
func (w *world) reported(name string, want ...string) *v1alpha1.HarborInventory {
	w.Helper()
	slices.Sort(want)
	var inv *v1alpha1.HarborInventory
	eventually(w.T, func() string {
		inv = w.get(name)
		got := []string{}
		for _, r := range w.reports(name) {
			got = append(got, fmt.Sprintf("%s %s critical=%d high=%d", r.Repository, strings.Join(r.Tags, ","), r.Counts.Critical, r.Counts.High))
		}
		slices.Sort(got)
		if diff := gocmp.Diff(append([]string{}, want...), got); diff != "" {
			return fmt.Sprintf("wanted (-), reported (+):\n%s\nstatus: %+v", diff, inv.Status.VulnerabilityReports)
		}
		s := inv.Status.VulnerabilityReports
		if s == nil || int(s.Written) != len(want) || s.ObservedGeneration != inv.Generation {
			return fmt.Sprintf("the status says %+v", s)
		}
		return ""
	})
	return inv
}

// severe is a registry with artifacts that were scanned.
func severe() *harbortest.Registry {
	registry := small()
	scan(registry, "library/nginx", "1.0", "Critical", 2)
	scan(registry, "library/nginx", "1.1", "High", 3)
	scan(registry, "library/nginx", "1.2", "Low", 4)
	scan(registry, "team/app", "1.0", "Critical", 1)
	scan(registry, "team/app", "1.1", "Low", 0)
	return registry
}

func scan(registry *harbortest.Registry, repository, tag, severity string, n int) {
	must(registry.SetScan(repository, tag, harbortest.Scan{Findings: map[string]int{severity: n}, Fixable: n / 2}))
}

func TestVulnerabilityReports(t *testing.T) {
	t.Parallel()
	w := newWorld(t, severe())
	w.inventory("all", reporting(v1alpha1.SeverityHigh, 10))
	inv := w.reported("all", "library/nginx 1.0 critical=2 high=0", "library/nginx 1.1 critical=0 high=3", "team/app 1.0,v1.0 critical=1 high=0")
	want := &v1alpha1.VulnerabilityReportsStatus{ObservedGeneration: 1, Eligible: 3, Selected: 3, Written: 3}
	if diff := gocmp.Diff(want, inv.Status.VulnerabilityReports); diff != "" {
		t.Errorf("wanted (-), told (+):\n%s", diff)
	}
	for _, r := range w.reports("all") {
		if !metav1.IsControlledBy(&r, inv) || r.Harbor != w.harbor.URL || r.Project+"/" != r.Repository[:len(r.Project)+1] ||
			r.Severity == "" || r.Labels[v1alpha1.LabelSeverity] != r.Severity || len(r.Vulnerabilities) != int(r.Counts.Total) || !strings.HasPrefix(r.Scanner, "Trivy") {
			t.Errorf("%+v", r)
		}
	}
	before := w.reports("all")
	requests := w.harbor.Stats().Requests(harbortest.ClassAddition)
	if requests != 3 {
		t.Errorf("%d reports were asked for, want 3", requests)
	}

	// What does not change is not asked for again, nor written.
	w.request("all")
	w.registry.Push("library/nginx", harbortest.Image{Tags: []string{"2.0"}})
	scan(w.registry, "library/nginx", "2.0", "Critical", 1)
	w.request("all")
	w.reported("all", "library/nginx 1.0 critical=2 high=0", "library/nginx 1.1 critical=0 high=3", "library/nginx 2.0 critical=1 high=0", "team/app 1.0,v1.0 critical=1 high=0")
	if n := w.harbor.Stats().Requests(harbortest.ClassAddition); n != requests+1 {
		t.Errorf("%d reports were asked for, want one", n-requests)
	}
	after := map[string]string{}
	for _, r := range w.reports("all") {
		after[r.Name] = r.ResourceVersion
	}
	for _, r := range before {
		if after[r.Name] != r.ResourceVersion {
			t.Errorf("%s was written again", r.Name)
		}
	}
}

// TestReportsFollowTheInventory: another scan, other tags, and artifacts that
// come and go.
func TestReportsFollowTheInventory(t *testing.T) {
	t.Parallel()
	w := newWorld(t, severe())
	w.inventory("all", reporting(v1alpha1.SeverityHigh, 2))
	w.reported("all", "library/nginx 1.0 critical=2 high=0", "team/app 1.0,v1.0 critical=1 high=0")
	eventually(t, func() string {
		if s := w.get("all").Status.VulnerabilityReports; s.Eligible != 3 || s.Selected != 2 || s.LeftOut != 1 || s.Missing != 0 {
			return fmt.Sprintf("the status says %+v", s)
		}
		return ""
	})
	// The next best one moves up when another is found clean.
	scan(w.registry, "team/app", "1.0", "Low", 1)
	w.request("all")
	w.reported("all", "library/nginx 1.0 critical=2 high=0", "library/nginx 1.1 critical=0 high=3")
	// Another result is read anew; other tags are not.
	scan(w.registry, "library/nginx", "1.1", "Critical", 7)
	w.request("all")
	w.reported("all", "library/nginx 1.0 critical=2 high=0", "library/nginx 1.1 critical=7 high=0")
	requests := w.harbor.Stats().Requests(harbortest.ClassAddition)
	w.registry.Push("library/nginx", harbortest.Image{Digest: digestOf(w, "library/nginx", "1.1"), Tags: []string{"stable"}})
	w.request("all")
	w.reported("all", "library/nginx 1.0 critical=2 high=0", "library/nginx 1.1,stable critical=7 high=0")
	if n := w.harbor.Stats().Requests(harbortest.ClassAddition); n != requests {
		t.Errorf("%d reports were asked for because of a tag", n-requests)
	}
	// What leaves the registry leaves, and what the spec asks for no more.
	must(w.registry.DeleteArtifact("library/nginx", digestOf(w, "library/nginx", "1.0")))
	w.request("all")
	w.reported("all", "library/nginx 1.1,stable critical=7 high=0")
	w.change("all", func(s *v1alpha1.HarborInventorySpec) {
		s.VulnerabilityReports.MinSeverity, s.VulnerabilityReports.Top = "Low", 10
	})
	w.reported("all", "library/nginx 1.1,stable critical=7 high=0", "library/nginx 1.2 critical=0 high=0", "team/app 1.0,v1.0 critical=0 high=0")
	w.change("all", func(s *v1alpha1.HarborInventorySpec) { s.VulnerabilityReports = nil })
	eventually(t, func() string {
		if n, s := len(w.reports("all")), w.get("all").Status.VulnerabilityReports; n > 0 || s != nil {
			return fmt.Sprintf("%d reports are left, the status says %+v", n, s)
		}
		return ""
	})
}

func digestOf(w *world, repository, tag string) string {
	w.Helper()
	artifacts, _ := w.registry.Listed()
	for _, a := range artifacts {
		if a.Repository == repository && slices.Contains(a.Tags, tag) {
			return a.Digest
		}
	}
	w.Fatalf("%s has no tag %s", repository, tag)
	return ""
}

// TestReportsWhileAScanRuns: a report stays while nothing newer is known.
func TestReportsWhileAScanRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t, severe())
	w.inventory("all", reporting(v1alpha1.SeverityHigh, 1))
	w.reported("all", "library/nginx 1.0 critical=2 high=0")
	for _, status := range []string{"Running", "Error", "Pending"} {
		must(w.registry.SetScan("library/nginx", "1.0", harbortest.Scan{Status: status}))
		w.request("all")
		w.reported("all", "library/nginx 1.0 critical=2 high=0")
	}
	scan(w.registry, "library/nginx", "1.0", "Critical", 5)
	w.request("all")
	w.reported("all", "library/nginx 1.0 critical=5 high=0")
}

// TestReportsOfTheRecordedRegistry: the reports are of the worst artifacts that
// the lists show, with as many findings as Harbor tells of; one is too large.
func TestReportsOfTheRecordedRegistry(t *testing.T) {
	t.Parallel()
	w := newWorld(t, harbortest.Recorded())
	w.inventory("all", reporting(v1alpha1.SeverityHigh, 5), func(s *v1alpha1.HarborInventorySpec) {
		s.Projects = projects([]string{"library", "team-a", "data.science"})
		s.VulnerabilityReports.MaxBytes = 16384
	})
	w.condition("all", "DetailsKnown=True Succeeded")
	type artifact struct {
		repository, digest string
		counts             v1alpha1.VulnerabilityCounts
	}
	var all []artifact
	for _, l := range w.lists("all") {
		for _, a := range l.Artifacts {
			if v := a.Vulnerabilities; v != nil && v.Critical+v.High > 0 {
				all = append(all, artifact{l.Repository, a.Digest, v.VulnerabilityCounts})
			}
		}
	}
	slices.SortFunc(all, func(a, b artifact) int {
		return cmp.Or(cmp.Compare(b.counts.Critical, a.counts.Critical), cmp.Compare(b.counts.High, a.counts.High),
			cmp.Compare(b.counts.Medium, a.counts.Medium), cmp.Compare(b.counts.Low, a.counts.Low), cmp.Compare(b.counts.Other, a.counts.Other))
	})
	var inv *v1alpha1.HarborInventory
	eventually(t, func() string {
		inv = w.get("all")
		s := inv.Status.VulnerabilityReports
		if s == nil || int(s.Eligible) != len(all) || s.Selected != 5 || int(s.LeftOut) != len(all)-5 || s.Written != 5 || s.Cut == 0 || len(s.Failures) > 0 {
			return fmt.Sprintf("of %d artifacts the status says %+v", len(all), s)
		}
		return ""
	})
	reports := w.reports("all")
	for _, a := range all[:5] {
		i := slices.IndexFunc(reports, func(r v1alpha1.VulnerabilityReport) bool {
			return r.Repository == a.repository && r.Counts == a.counts
		})
		if i < 0 {
			t.Errorf("no report of %s@%s with %+v", a.repository, a.digest, a.counts)
		}
	}
	cut := 0
	for _, r := range reports {
		if r.Omitted == nil {
			continue
		}
		cut++
		if r.Omitted.Critical > 0 && r.Vulnerabilities[len(r.Vulnerabilities)-1].Severity != "Critical" || !slices.Contains(r.Truncated, "vulnerabilities") {
			t.Errorf("%s holds %d findings and omits %+v", r.Repository, len(r.Vulnerabilities), r.Omitted)
		}
	}
	if cut != int(inv.Status.VulnerabilityReports.Cut) {
		t.Errorf("%d reports were cut, the status says %d", cut, inv.Status.VulnerabilityReports.Cut)
	}
}

// TestReportsOfAStatus: output.mode Status has reports, too.
func TestReportsOfAStatus(t *testing.T) {
	t.Parallel()
	w := newWorld(t, severe())
	w.inventory("all", reporting(v1alpha1.SeverityHigh, 1), func(s *v1alpha1.HarborInventorySpec) { s.Output.Mode = v1alpha1.OutputStatus })
	w.reported("all", "library/nginx 1.0 critical=2 high=0")
	scan(w.registry, "team/app", "1.2", "Critical", 9)
	w.request("all")
	w.reported("all", "team/app 1.2,v1.2 critical=9 high=0")
}

// TestReportsThatCannotBeRead: what cannot be read is named, and holds up nothing.
func TestReportsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change  func(*harbortest.Registry)
		rule    *harbortest.Rule
		reports []string
		message string
		missing int32
	}{
		"one is broken": {
			rule:    &harbortest.Rule{Class: harbortest.ClassAddition, Path: "/team/", Fault: harbortest.InvalidJSON()},
			reports: []string{"library/nginx 1.0 critical=2 high=0", "library/nginx 1.1 critical=0 high=3"}, missing: 1,
			message: "GET /projects/team/repositories/app/artifacts/",
		},
		"a right is missing": {
			change: func(r *harbortest.Registry) {
				must(r.DeleteAccount(robot))
				r.AddRobot(harbortest.Robot{Name: "inventory", Secret: canary, NoAdditions: true})
			},
			reports: []string{"library/nginx 1.0 critical=2 high=0", "library/nginx 1.1 critical=0 high=3"}, missing: 1, // of the public project
			message: "project team: the account needs the right artifact-addition:read: forbidden",
		},
		"Harbor is down": {
			rule:    &harbortest.Rule{Class: harbortest.ClassAddition, Fault: harbortest.Gateway(502)},
			reports: []string{}, missing: 3, message: "GET /projects/",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			registry := severe()
			if c.change != nil {
				c.change(registry)
			}
			w := newWorld(t, registry)
			if c.rule != nil {
				w.harbor.Inject(*c.rule)
			}
			w.inventory("all", reporting(v1alpha1.SeverityHigh, 10))
			w.condition("all", "Ready=True Succeeded", "DetailsKnown=True Succeeded")
			eventually(t, func() string {
				if s := w.get("all").Status.VulnerabilityReports; s == nil || s.Missing != c.missing || s.Selected != 3 || len(s.Failures) == 0 {
					return fmt.Sprintf("the status says %+v", s)
				}
				return ""
			})
			inv := w.reported("all", c.reports...)
			s := inv.Status.VulnerabilityReports
			if !strings.HasPrefix(s.Failures[0].Message, c.message) || strings.Contains(fmt.Sprint(s), canary) {
				t.Errorf("the status says %+v", s)
			}
		})
	}
}

// TestReportsAreReadOneAtATime: however many inventories there are of a Harbor,
// and whatever their maxConnections, no two reports are asked for at once.
func TestReportsAreReadOneAtATime(t *testing.T) {
	t.Parallel()
	registry := small()
	for i := range 5 {
		tag := fmt.Sprint(i)
		registry.Push("library/many", harbortest.Image{Tags: []string{tag}})
		scan(registry, "library/many", tag, "Critical", i+1)
	}
	w := newWorld(t, registry)
	var asked atomic.Int64
	release := w.harbor.Inject(harbortest.Rule{
		Class: harbortest.ClassAddition, Fault: harbortest.Stall(), If: func(*http.Request) bool { asked.Add(1); return true },
	})
	for i := range 3 {
		w.inventory(fmt.Sprint("all-", i), reporting(v1alpha1.SeverityHigh, 100), func(s *v1alpha1.HarborInventorySpec) { s.MaxConnections = 20 })
		w.condition(fmt.Sprint("all-", i), "Ready=True")
	}
	eventually(t, func() string {
		if asked.Load() == 0 {
			return "no report is asked for"
		}
		return ""
	})
	time.Sleep(time.Second) // enough for others to come, if they could
	if n := asked.Load(); n != 1 {
		t.Errorf("%d reports are asked for at once, want 1", n)
	}
	release()
	for i := range 3 {
		eventually(t, func() string {
			if s := w.get(fmt.Sprint("all-", i)).Status.VulnerabilityReports; s == nil || s.Written != 5 {
				return fmt.Sprintf("the status says %+v", s)
			}
			return ""
		})
	}
}

// TestEditedReportsArePutRight: what others make of reports does not last.
func TestEditedReportsArePutRight(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*v1alpha1.VulnerabilityReport) error{
		"findings removed": func(r *v1alpha1.VulnerabilityReport) error {
			r.Vulnerabilities = nil
			return kube.Update(t.Context(), r)
		},
		"labels removed": func(r *v1alpha1.VulnerabilityReport) error { r.Labels = nil; return kube.Update(t.Context(), r) },
		"basis removed":  func(r *v1alpha1.VulnerabilityReport) error { r.Annotations = nil; return kube.Update(t.Context(), r) },
		"deleted":        func(r *v1alpha1.VulnerabilityReport) error { return kube.Delete(t.Context(), r) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, severe())
			w.inventory("all", reporting(v1alpha1.SeverityHigh, 1))
			w.reported("all", "library/nginx 1.0 critical=2 high=0")
			before := w.reports("all")[0]
			must(edit(before.DeepCopy()))
			eventually(t, func() string {
				reports := w.reports("all")
				if len(reports) != 1 {
					return fmt.Sprintf("%d reports", len(reports))
				}
				reports[0].ObjectMeta, before.ObjectMeta = metav1.ObjectMeta{Labels: reports[0].Labels}, metav1.ObjectMeta{Labels: before.Labels}
				return gocmp.Diff(before, reports[0])
			})
		})
	}
}

// TestReportsOfADeletedInventory: they go with it, or stay, as the policy says.
func TestReportsOfADeletedInventory(t *testing.T) {
	t.Parallel()
	for policy, change := range map[v1alpha1.DeletionPolicy]func(*v1alpha1.HarborInventorySpec){
		v1alpha1.DeletionPolicyDelete: withInventory, v1alpha1.DeletionPolicyOrphan: orphan,
	} {
		t.Run(string(policy), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, severe())
			w.inventory("all", reporting(v1alpha1.SeverityHigh, 10), withInventory)
			w.reported("all", "library/nginx 1.0 critical=2 high=0", "library/nginx 1.1 critical=0 high=3", "team/app 1.0,v1.0 critical=1 high=0")
			w.change("all", change)
			eventually(t, func() string {
				for _, r := range w.reports("all") {
					if (len(r.OwnerReferences) == 0) != (policy == v1alpha1.DeletionPolicyOrphan) {
						return fmt.Sprintf("%s has the owners %v", r.Name, r.OwnerReferences)
					}
				}
				return ""
			})
			w.condition("all", "Ready=True")
			before := w.reports("all")
			w.remove("all")
			w.collected()
			if policy == v1alpha1.DeletionPolicyDelete {
				eventually(t, func() string {
					if n := len(w.reports("all")); n > 0 {
						return fmt.Sprintf("%d reports are left", n)
					}
					return ""
				})
				return
			}
			if diff := gocmp.Diff(before, w.reports("all")); diff != "" {
				t.Errorf("reports have changed:\n%s", diff)
			}
		})
	}
}
