// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package current_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/harbor-inventory/harbor-inventory/internal/current"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// follower follows the log of a simulated Harbor whose time the test makes pass.
type follower struct {
	*testing.T
	registry *harbortest.Registry
	server   *harbortest.Server
	client   *harbor.Client
	feed     *current.Feed
	now      time.Time
}

func follow(t *testing.T, version harbortest.Version, robot harbortest.Robot) *follower {
	t.Helper()
	f := &follower{T: t, feed: &current.Feed{}, now: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)}
	f.registry = harbortest.New(harbortest.WithVersion(version), harbortest.WithClock(func() time.Time { return f.now }))
	f.server = harbortest.NewServer(t, f.registry, harbortest.Options{})
	robot.Name, robot.Secret = "inventory", "secret"
	client, err := harbor.New(harbor.Config{URL: f.server.URL, Username: f.registry.AddRobot(robot), Password: robot.Secret, UserAgent: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	f.client = client
	return f
}

// read reads the log once, or starts the feed.
func (f *follower) read() current.News {
	f.Helper()
	info, err := f.client.SystemInfo(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	o := harbor.AuditOptions{Legacy: harbor.LegacyAudit(info.Version)}
	from, ok := f.feed.From()
	if !ok {
		newest, ok, err := f.client.NewestAudit(f.Context(), o)
		if err != nil {
			f.Fatal(err)
		}
		f.feed.Start(newest, ok, f.now)
		return current.News{}
	}
	o.FromID = from
	reading := current.Reading{Began: f.now, Ended: f.now}
	for entry, err := range f.client.Audit(f.Context(), o) {
		if err != nil {
			f.Fatal(err)
		}
		reading.Entries = append(reading.Entries, *entry)
	}
	return f.feed.Follow(reading)
}

func (f *follower) expect(about string, want current.News) {
	f.Helper()
	f.now = f.now.Add(time.Minute)
	if diff := cmp.Diff(want, f.read()); diff != "" {
		f.Errorf("%s (-want +got):\n%s", about, diff)
	}
}

func (f *follower) judge(about string, want current.Reason) {
	f.Helper()
	var pushed time.Time
	listed, _ := f.registry.Listed()
	for _, a := range listed {
		if a.Pushed.After(pushed) {
			pushed = a.Pushed
		}
	}
	if got := f.feed.Verdict(pushed); got.Reason != want {
		f.Errorf("%s: the log %s (%s), want %s", about, got.Message, got.Reason, want)
	}
}

func (f *follower) do(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func image(tags ...string) harbortest.Image { return harbortest.Image{Tags: tags} }

func names(repositories ...string) current.News { return current.News{Repositories: repositories} }

// TestFollowsEveryVersion: each version's log is followed, and what is in none of
// them is not told of.
func TestFollowsEveryVersion(t *testing.T) {
	for _, version := range []harbortest.Version{
		harbortest.Harbor28, harbortest.Harbor211, harbortest.Harbor212, harbortest.Harbor213, harbortest.Harbor2151, harbortest.Harbor216,
	} {
		t.Run(version.String(), func(t *testing.T) {
			f := follow(t, version, harbortest.Robot{SystemScope: true})
			f.registry.Push("library/old", image("v1"))
			f.read()
			if version == harbortest.Harbor28 {
				f.judge("no right to it can be given", current.LogNotPermitted)
				return
			}
			f.expect("nothing", current.News{})
			f.judge("it is followed", current.LogWorking)
			f.registry.Push("library/app", image("v1"))
			f.registry.Push("library/deep/er", image())
			f.do(f.registry.AddTag("library/old", "v1", "v2"))
			f.expect("pushes and a tag", names("library/app", "library/deep/er", "library/old"))
			f.do(f.registry.Pull("library/app", "v1"))
			f.do(f.registry.EditDescription("library/app", "text"))
			f.registry.CollectGarbage()
			f.expect("a pull, a description, garbage", current.News{})
			f.do(f.registry.DeleteTag("library/old", "v2"))
			f.do(f.registry.DeleteArtifact("library/app", "v1"))
			f.do(f.registry.CreateProject("team", false))
			f.expect("deletions and a project", current.News{Repositories: []string{"library/old", "library/app"}, Projects: []string{"team"}})
			f.do(f.registry.DeleteRepository("library/old"))
			f.do(f.registry.DeleteProject("team"))
			f.expect("more of them", current.News{Repositories: []string{"library/old"}, Projects: []string{"team"}})
		})
	}
}

// TestFollowsWhatIsLate: rows whose ids are below others that were read.
func TestFollowsWhatIsLate(t *testing.T) {
	f := follow(t, harbortest.Latest, harbortest.Robot{SystemScope: true})
	f.read()
	f.registry.DelayAudit(func(id int64) time.Duration { return time.Duration(id%2) * 90 * time.Second })
	for i := range 200 {
		f.registry.Push(fmt.Sprintf("library/app%d", i%6), image(fmt.Sprintf("v%d", i)))
	}
	f.expect("those in time", names("library/app0", "library/app2", "library/app4"))
	f.expect("the others", names("library/app1", "library/app3", "library/app5"))
	f.registry.DelayAudit(nil)
	f.now = f.now.Add(current.DefaultLag)
	f.expect("nothing", current.News{})
	before := f.server.Stats().Bytes
	total := f.server.Stats().Requests(harbortest.ClassAuditLogExts)
	f.expect("nothing, again", current.News{})
	if n := f.server.Stats().Requests(harbortest.ClassAuditLogExts) - total; n != 1 {
		t.Errorf("%d requests for the log", n)
	}
	if n := f.server.Stats().Bytes - before; n > 2000 {
		t.Errorf("%d bytes for nothing", n)
	}
}

// TestJudgesTheLog: an account without the right, a log that is switched off, one
// that was rewound, and one of which all was purged.
func TestJudgesTheLog(t *testing.T) {
	f := follow(t, harbortest.Latest, harbortest.Robot{})
	f.read()
	f.judge("nothing in Harbor, and no right", current.LogEmpty)
	f.registry.Push("library/app", image("v1"))
	f.read()
	f.judge("no right", current.LogNotPermitted)

	f = follow(t, harbortest.Latest, harbortest.Robot{SystemScope: true})
	f.registry.Push("library/app", image("v1"))
	f.read()
	f.registry.SetAuditLog(false)
	f.now = f.now.Add(time.Hour)
	f.registry.Push("library/app", image("v2"))
	f.expect("a push that is not logged", current.News{})
	f.judge("switched off", current.LogSwitchedOff)
	f.registry.SetAuditLog(true)
	f.registry.Push("library/app", image("v3"))
	f.expect("on again", names("library/app"))
	f.judge("on again", current.LogWorking)
	f.now = f.now.Add(time.Hour)

	f.registry.SetAuditLog(false)
	for i := range 3 {
		f.do(f.registry.AddTag("library/app", "v3", fmt.Sprint(i)))
		f.feed.Found(fmt.Sprintf("library/app%d", i), f.now)
	}
	f.now = f.now.Add(current.DefaultLag)
	f.expect("tags that are not logged", current.News{})
	f.judge("tags are not logged", current.LogIncomplete)
	f.registry.SetAuditLog(true)

	f.registry.Push("library/app", image("v4"))
	f.registry.Push("library/app", image("v5"))
	f.expect("before the restore", names("library/app"))
	f.now = f.now.Add(current.DefaultLag)
	f.expect("settled", current.News{})
	f.registry.RewindAudit(2)
	f.expect("a restore", current.News{Rewound: true})
	f.read()
	f.registry.Push("library/app", image("v6"))
	f.expect("after the restore", names("library/app"))

	f.now = f.now.Add(48 * time.Hour)
	f.expect("quiet", current.News{})
	f.registry.PurgeAudit(f.now.Add(-24 * time.Hour))
	f.registry.Push("library/other", image("v1"))
	f.expect("purged up to a new entry", names("library/other"))
	f.now = f.now.Add(48 * time.Hour)
	f.registry.PurgeAudit(f.now.Add(-24 * time.Hour))
	f.expect("purged to the end", current.News{Rewound: true})
	f.read()
	f.judge("purged to the end", current.LogNotPermitted)
}

// TestRestoreUnderNewRows: a restored log has grown past the cursor again before
// it was read.
func TestRestoreUnderNewRows(t *testing.T) {
	f := follow(t, harbortest.Latest, harbortest.Robot{SystemScope: true})
	f.read()
	newest := f.registry.NewestAudit()
	for i := range 5 {
		f.registry.Push("library/app", image(fmt.Sprint(i)))
	}
	f.expect("pushes", names("library/app"))
	f.now = f.now.Add(current.DefaultLag)
	f.expect("settled", current.News{})
	f.registry.RewindAudit(newest)
	for i := range 9 {
		f.registry.Push("library/other", image(fmt.Sprint(i)))
	}
	f.expect("other entries under the same ids", current.News{Rewound: true})
}
