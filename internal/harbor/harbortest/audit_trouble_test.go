// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// logRow is a row of either log; what a row does not have stays nil.
type logRow struct {
	ID          int64
	Operation   string
	Resource    string
	Type        string  `json:"resource_type"`
	Description *string `json:"operation_description"`
	Result      *bool   `json:"operation_result"`
}

func resources(rows []logRow) (all []string) {
	for _, r := range rows {
		all = append(all, r.Operation+" "+r.Type+" "+r.Resource)
	}
	return all
}

// TestAuditLogOfVersions: which log a version writes, in which form, and who
// reads it.
func TestAuditLogOfVersions(t *testing.T) {
	for _, test := range []struct {
		version                    Version
		log, other                 string
		projectLog                 string
		otherStatus                int
		digestAfter                string
		described, robotsOfTheLogs bool
	}{
		{Harbor28, "/audit-logs", "/auditlog-exts", "/projects/library/logs", 404, ":", false, false},
		{Harbor211, "/audit-logs", "/auditlog-exts", "/projects/library/logs", 404, ":", false, true},
		{Harbor212, "/audit-logs", "/auditlog-exts", "/projects/library/logs", 404, ":", false, true},
		{Harbor213, "/auditlog-exts", "/audit-logs", "/projects/library/auditlog-exts", 200, "@", true, true},
		{Harbor2151, "/auditlog-exts", "/audit-logs", "/projects/library/auditlog-exts", 200, "@", true, true},
		{Harbor216, "/auditlog-exts", "/audit-logs", "/projects/library/auditlog-exts", 200, "@", true, true},
	} {
		t.Run(test.version.String(), func(t *testing.T) {
			r := New(WithVersion(test.version), WithClock(steppingClock()))
			plain := r.AddRobot(Robot{Name: "plain", Secret: "s"})
			system := r.AddRobot(Robot{Name: "system", Secret: "s", SystemScope: true})
			r.Push("library/app", Image{Tags: []string{"v1"}})
			untagged := r.Push("library/app", Image{})
			if err := r.DeleteTag("library/app", "v1"); err != nil {
				t.Fatal(err)
			}
			server := NewServer(t, r, Options{})
			want := []string{
				"create project library", "create artifact library/app:v1",
				"create artifact library/app" + test.digestAfter + untagged, "delete tag library/app:v1",
			}
			admin := newClient(t, server, AdminName, AdminSecret)
			for _, path := range []string{test.log, test.projectLog} {
				got := rows[logRow](admin, path+"?sort=id")
				if diff := cmp.Diff(want, resources(got)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", path, diff)
				}
				if described := got[0].Description != nil && got[0].Result != nil; described != test.described {
					t.Errorf("%s: described: %t, want %t", path, described, test.described)
				}
			}
			if other := admin.get(test.other); other.status != test.otherStatus || other.status == http.StatusOK && other.body != "[]\n" {
				t.Errorf("%s: %+v, want status %d without rows", test.other, other, test.otherStatus)
			}
			if got := rows[logRow](newClient(t, server, plain, "s"), test.log); len(got) != 0 {
				t.Errorf("a robot without the right reads %v", got)
			}
			if got := rows[logRow](newClient(t, server, system, "s"), test.log); (len(got) == len(want)) != test.robotsOfTheLogs {
				t.Errorf("a robot of system scope reads %v", got)
			}
		})
	}
}

// TestAuditTrouble: what makes the log hard to follow.
func TestAuditTrouble(t *testing.T) {
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	r := New(WithClock(func() time.Time { return now }))
	c := newClient(t, NewServer(t, r, Options{}), AdminName, AdminSecret)
	push := func(tag string) { now = now.Add(time.Second); r.Push("library/app", Image{Tags: []string{tag}}) }
	expect := func(about string, want ...int64) {
		t.Helper()
		var ids []int64
		for _, row := range rows[logRow](c, "/auditlog-exts?sort=id") {
			ids = append(ids, row.ID)
		}
		if !slices.Equal(ids, want) {
			t.Errorf("%s: rows %v, want %v", about, ids, want)
		}
	}
	expect("the project", 1)
	r.SetAuditLog(false)
	push("unseen")
	expect("off", 1)
	r.SetAuditLog(true)
	r.DelayAudit(func(id int64) time.Duration { return time.Duration(id%2) * time.Minute })
	push("id-2")
	push("id-3")
	push("id-4")
	expect("3 is late", 1, 2, 4)
	now = now.Add(time.Minute)
	expect("3 has come", 1, 2, 3, 4)
	push("id-5")
	expect("5 is late", 1, 2, 3, 4)
	r.DelayAudit(nil)
	expect("no delay", 1, 2, 3, 4, 5)
	r.PurgeAudit(now.Add(-30 * time.Second))
	expect("purged", 5)
	push("id-6")
	push("id-7")
	r.RewindAudit(5)
	expect("rewound", 5)
	if got := r.NewestAudit(); got != 5 {
		t.Errorf("the greatest id is %d", got)
	}
	push("again-6")
	expect("ids are given again", 5, 6)
	now = now.Add(time.Hour)
	r.PurgeAudit(now)
	expect("purged to the end")
	push("again-7")
	expect("a purge gives no id again", 7)
}

// TestDelayedPulls: what a pull moves comes with the next flush, all at once.
func TestDelayedPulls(t *testing.T) {
	const repo = "library/app"
	r := New(WithClock(steppingClock()))
	r.Push(repo, Image{Tags: []string{"v1"}})
	r.Push("library/gone", Image{Tags: []string{"v1"}})
	entry := func() ListedRepository {
		all, _ := r.Repositories("library")
		return all[0]
	}
	before := entry()
	r.DelayPulls(true)
	for range 2 {
		if err := r.Pull(repo, "v1"); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Pull("library/gone", "v1"); err != nil {
		t.Fatal(err)
	}
	if err := r.DeleteRepository("library/gone"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, entry()); diff != "" {
		t.Errorf("before the flush (-was +is):\n%s", diff)
	}
	r.FlushPulls()
	after := entry()
	if after.PullCount != before.PullCount+2 || !after.Updated.After(before.Updated) || after.ArtifactCount != before.ArtifactCount {
		t.Errorf("after the flush %+v, was %+v", after, before)
	}
	r.FlushPulls()
	if diff := cmp.Diff(after, entry()); diff != "" {
		t.Errorf("after a flush of nothing (-was +is):\n%s", diff)
	}
	r.DelayPulls(false)
	if err := r.Pull(repo, "v1"); err != nil || entry().PullCount != after.PullCount+1 {
		t.Errorf("%+v, %v, without delay", entry(), err)
	}
}

// TestGarbage: what has no tag goes, and nothing tells of it but the listings.
func TestGarbage(t *testing.T) {
	const repo = "library/app"
	for _, version := range []Version{Harbor2151, Harbor216} {
		r := New(WithClock(steppingClock()), WithVersion(version))
		tagged := r.Push(repo, Image{Tags: []string{"v1"}})
		index := r.PushIndex(repo, Index{Image: Image{Tags: []string{"multi"}}, Children: []Child{{}}})
		r.PushIndex(repo, Index{Children: []Child{{}, {}}})
		r.Push(repo, Image{})
		r.PushAccessory(repo, "v1", Accessory{})
		newest := r.NewestAudit()
		before, _ := r.Repositories()
		if got := r.CollectGarbage(); got != 2 {
			t.Errorf("%v: %d artifacts deleted, want the index and the image without a tag", version, got)
		}
		if diff := cmp.Diff(map[string][]string{tagged: {"v1"}, index: {"multi"}}, tagsByDigest(r, repo)); diff != "" {
			t.Errorf("%v: listed (-want +got):\n%s", version, diff)
		}
		after, _ := r.Repositories()
		if moved := !after[0].Updated.Equal(before[0].Updated); moved != version.movesUpdateTime() {
			t.Errorf("%v: update_time moved: %t", version, moved)
		}
		if r.NewestAudit() != newest {
			t.Errorf("%v: the audit log tells of it", version)
		}
	}
}
