// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor_test

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// told is what entries say, without ids and times.
func told(entries []harbor.AuditEntry) (all []string) {
	for _, e := range entries {
		all = append(all, fmt.Sprintf("%s %s %s|%s", e.Operation, e.ResourceType, e.Project, e.Repository))
	}
	return all
}

// TestAudit reads the log that the version writes: as a whole, of one project,
// by id and by time, and without the right to.
func TestAudit(t *testing.T) {
	for _, test := range []struct {
		version harbortest.Version
		legacy  bool
	}{
		{harbortest.Harbor211, true},
		{harbortest.Harbor212, true},
		{harbortest.Harbor213, false},
		{harbortest.Harbor216, false},
	} {
		t.Run(test.version.String(), func(t *testing.T) {
			now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
			r := harbortest.New(harbortest.WithVersion(test.version), harbortest.WithClock(func() time.Time { return now }))
			robot := r.AddRobot(harbortest.Robot{Name: "system", Secret: "s3cret", SystemScope: true})
			plain := r.AddRobot(harbortest.Robot{Name: "plain", Secret: "s3cret"})
			srv := harbortest.NewServer(t, r, harbortest.Options{})
			c := newClient(t, srv.URL, account(robot))
			o := harbor.AuditOptions{Legacy: test.legacy}

			check(t, r.CreateProject("team", false))
			r.Push("library/app", harbortest.Image{Tags: []string{"v1"}})
			now = now.Add(time.Hour)
			untagged := r.Push("team/deep/er/app", harbortest.Image{})
			check(t, r.Pull("library/app", "v1"))
			check(t, r.AddTag("library/app", "v1", "stable"))
			check(t, r.DeleteTag("library/app", "stable"))
			check(t, r.DeleteArtifact("team/deep/er/app", untagged))
			check(t, r.DeleteRepository("team/deep/er/app"))
			check(t, r.DeleteProject("team"))
			want := []string{
				"create project library|", "create project team|", "create artifact library|library/app",
				"create artifact team|team/deep/er/app", "create tag library|library/app", "delete tag library|library/app",
				"delete artifact team|team/deep/er/app", "delete repository team|team/deep/er/app", "delete project team|",
			}
			all, err := collect(c.Audit(t.Context(), harbor.AuditOptions{Legacy: test.legacy, PageOptions: harbor.PageOptions{PageSize: 2}}))
			if diff := gocmp.Diff(want, told(all)); err != nil || diff != "" {
				t.Fatalf("%v, the whole log (-want +got):\n%s", err, diff)
			}
			o.FromID = all[4].ID
			page, err := c.AuditPage(t.Context(), o)
			if diff := gocmp.Diff(all[4:], page.Items); err != nil || !page.Last || diff != "" {
				t.Errorf("%v, last %t, from an id on (-want +got):\n%s", err, page.Last, diff)
			}
			o.FromID, o.Since = 0, now
			page, err = c.AuditPage(t.Context(), o)
			if diff := gocmp.Diff(all[3:], page.Items); err != nil || diff != "" {
				t.Errorf("%v, since a time (-want +got):\n%s", err, diff)
			}
			newest, ok, err := c.NewestAudit(t.Context(), o)
			if diff := gocmp.Diff(all[8], newest); err != nil || !ok || diff != "" {
				t.Errorf("%t, %v, newest (-want +got):\n%s", ok, err, diff)
			}
			o.Since = now.Add(time.Hour)
			if newest, ok, err := c.NewestAudit(t.Context(), o); ok || err != nil {
				t.Errorf("%+v, %v, where there is none", newest, err)
			}

			o = harbor.AuditOptions{Legacy: test.legacy, Project: "library"}
			page, err = newClient(t, srv.URL, asAdmin).AuditPage(t.Context(), o)
			if diff := gocmp.Diff([]string{want[0], want[2], want[4], want[5]}, told(page.Items)); err != nil || diff != "" {
				t.Errorf("%v, of one project (-want +got):\n%s", err, diff)
			}
			without := newClient(t, srv.URL, account(plain))
			if _, err := without.AuditPage(t.Context(), o); !is(err, harbor.ErrForbidden) {
				t.Errorf("of one project, without the right: %v", err)
			}
			o.Project = ""
			if page, err := without.AuditPage(t.Context(), o); err != nil || len(page.Items) != 0 || page.Total != 0 {
				t.Errorf("without the right: %+v, %v", page, err)
			}
			o.Legacy = !test.legacy
			page, err = c.AuditPage(t.Context(), o)
			if test.legacy && !is(err, harbor.ErrInvalidResponse) || !test.legacy && (err != nil || len(page.Items) > 0) {
				t.Errorf("the other log: %+v, %v", page, err)
			}
		})
	}
}

func asAdmin(c *harbor.Config) {
	c.Username, c.Password = harbortest.AdminName, harbortest.AdminSecret
}

// TestAuditIsAsked: no request for what cannot be asked, one for the rest, and
// of Harbor's two decodings of q each takes its own away.
func TestAuditIsAsked(t *testing.T) {
	r := record(t, answerJSON(`[{"id":7,"operation":"create","resource_type":"artifact","resource":"a/b:c"}]`))
	c := newClient(t, r.URL)
	for _, o := range []harbor.AuditOptions{{Project: "a/b"}, {Project: ".."}, {PageOptions: harbor.PageOptions{FromID: -1}}} {
		if _, err := c.AuditPage(t.Context(), o); !is(err, harbor.ErrBadRequest) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	o := harbor.AuditOptions{PageOptions: harbor.PageOptions{FromID: 5}, Since: time.Date(2026, 5, 1, 2, 3, 4, 5, time.FixedZone("", 3600))}
	if _, err := c.AuditPage(t.Context(), o); err != nil {
		t.Error(err)
	}
	if newest, ok, err := c.NewestAudit(t.Context(), o); err != nil || !ok || newest.ID != 7 || newest.Repository != "a/b" {
		t.Errorf("%+v, %t, %v", newest, ok, err)
	}
	var asked []string
	for _, req := range r.seen() {
		q, err := url.QueryUnescape(req.URL.Query().Get("q"))
		check(t, err)
		asked = append(asked, fmt.Sprintf("sort=%s page_size=%s %s", req.URL.Query().Get("sort"), req.URL.Query().Get("page_size"), q))
	}
	const q = "id=[5~],op_time=[2026-05-01T01:03:04~],operation={create delete},resource_type={artifact tag repository project}"
	want := []string{"sort=id page_size=100 " + q, "sort=-id page_size=1 " + q}
	if diff := gocmp.Diff(want, asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

// A full page is the last one if Harbor counts no more: what is written later is
// read another time.
func TestAuditEndsWithAFullPage(t *testing.T) {
	for entries, requests := range map[int]int{99: 1, 100: 1, 101: 2, 200: 2} {
		r := harbortest.New()
		srv := harbortest.NewServer(t, r, harbortest.Options{})
		for len(listedAudit(t, srv.URL)) < entries {
			r.Push("library/app", harbortest.Image{})
		}
		before := srv.Stats().Total
		all := listedAudit(t, srv.URL)
		if n := srv.Stats().Total - before; len(all) != entries || n != requests {
			t.Errorf("%d of %d entries, %d requests", len(all), entries, n)
		}
	}
}

func listedAudit(t *testing.T, url string) []harbor.AuditEntry {
	t.Helper()
	all, err := collect(newClient(t, url, asAdmin).Audit(t.Context(), harbor.AuditOptions{}))
	check(t, err)
	return all
}

// TestNewestAuditIsOne: an answer that is not the one entry asked for is none.
func TestNewestAuditIsOne(t *testing.T) {
	for _, body := range []string{`[{"id":7},{"id":6}]`, `[{}]`, `{}`, `[{"id":7}`} {
		c := newClient(t, record(t, answerJSON(body)).URL, once)
		if newest, ok, err := c.NewestAudit(t.Context(), harbor.AuditOptions{}); ok || !is(err, harbor.ErrInvalidResponse) || newest.ID != 0 {
			t.Errorf("%s: %+v, %t, %v", body, newest, ok, err)
		}
	}
}

func TestVersionAtLeast(t *testing.T) {
	for version, want := range map[string]bool{
		"v2.15.2-c50c7ddd6e": true, "2.15.2": true, "v2.15.10": true, "v2.16": true, "v2.100.0": true, "v3.0.0": true,
		"v2.15.1-c50c7ddd6e": false, "2.15": false, "v2.9.9": false, "v1.99.99": false, "": false, "dev": false, "v2": false, "x2.16.0": false,
		"v2.99999999999999999999.0": false,
	} {
		if got := harbor.VersionAtLeast(version, 2, 15, 2); got != want {
			t.Errorf("%q: %t", version, got)
		}
	}
}
