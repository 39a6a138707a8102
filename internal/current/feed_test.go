// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package current

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

// entry is of the repository a/r<id>, done id seconds after the epoch.
func entry(id int64) harbor.AuditEntry {
	return harbor.AuditEntry{
		ID: id, At: after(time.Duration(id) * time.Second), Operation: "create", ResourceType: "artifact",
		Project: "a", Repository: fmt.Sprintf("a/r%d", id),
	}
}

func entries(ids ...int64) (all []harbor.AuditEntry) {
	for _, id := range ids {
		all = append(all, entry(id))
	}
	return all
}

// read is a reading at a minute that takes no time.
func read(minute int, all ...harbor.AuditEntry) Reading {
	at := after(time.Duration(minute) * time.Minute)
	return Reading{Began: at, Ended: at, Entries: all}
}

func started(id int64) *Feed {
	f := &Feed{}
	f.Start(entry(id), true, epoch)
	return f
}

func (f *Feed) expect(t *testing.T, about string, r Reading, want News, cursor int64) {
	t.Helper()
	if diff := gocmp.Diff(want, f.Follow(r)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", about, diff)
	}
	if c, _ := f.Cursor(); c.ID != cursor {
		t.Errorf("%s: the cursor is %d, want %d", about, c.ID, cursor)
	}
}

func repositories(ids ...int64) News {
	var news News
	for _, id := range ids {
		news.Repositories = append(news.Repositories, entry(id).Repository)
	}
	return news
}

func TestFeedTakesLateEntries(t *testing.T) {
	f := started(10)
	f.expect(t, "nothing new", read(1, entries(10)...), News{}, 10)
	f.expect(t, "two", read(2, entries(10, 12, 14)...), repositories(12, 14), 10)
	f.expect(t, "one below", read(3, entries(10, 11, 12, 14)...), repositories(11), 10)
	f.expect(t, "another, as late as can be", read(4, entries(10, 11, 12, 13, 14)...), repositories(13), 14)
	f.expect(t, "settled", read(5, entries(14)...), News{}, 14)
	if len(f.seen) > 0 || len(f.marks) > 0 {
		t.Errorf("%d entries are remembered", len(f.seen))
	}
}

func TestFeedTakesAReadingThatBreaksOff(t *testing.T) {
	f := started(10)
	f.expect(t, "the whole", read(1, entries(10, 12, 20)...), repositories(12, 20), 10)
	f.expect(t, "a part, when all would be settled", read(3, entries(10, 11, 12)...), repositories(11), 10)
	f.expect(t, "the whole again", read(4, entries(10, 11, 12, 19, 20)...), repositories(19), 20)
}

func TestFeedTellsOfProjects(t *testing.T) {
	f := started(10)
	project := harbor.AuditEntry{ID: 11, ResourceType: "project", Project: "b"}
	unnamed := harbor.AuditEntry{ID: 12, ResourceType: "artifact"}
	twice := entry(13)
	twice.ID = 14
	f.expect(t, "a project, a nameless one, one twice", read(1, entry(10), project, unnamed, entry(13), twice),
		News{Repositories: []string{"a/r13"}, Projects: []string{"b"}, Unnamed: 1}, 10)
}

func TestFeedResumes(t *testing.T) {
	if _, ok := Resume(Cursor{}).From(); ok {
		t.Error("resumed at nothing")
	}
	before := started(10)
	before.expect(t, "before", read(0, entries(10)...), News{}, 10)
	at, ok := before.Cursor()
	if !ok {
		t.Fatal("no cursor")
	}
	f := Resume(at)
	if id, ok := f.From(); id != 10 || !ok {
		t.Errorf("from %d, %t", id, ok)
	}
	f.expect(t, "what it missed", read(1, entries(10, 11)...), repositories(11), 10)
	f.expect(t, "another log", read(2, harbor.AuditEntry{ID: 10, At: after(time.Hour)}), News{Rewound: true}, 0)
	Resume(at).expect(t, "a log that ends before", read(1), News{Rewound: true}, 0)
	Resume(at).expect(t, "another entry at the cursor", read(1, harbor.AuditEntry{ID: 10, At: after(time.Hour), Repository: "a/b"}), News{Rewound: true}, 0)
	Resume(at).expect(t, "no entry at the cursor, and then soon", read(1, entries(11)...), News{Rewound: true}, 0)
	f = Resume(at)
	f.expect(t, "the entry was purged", read(1, entries(4000)...), repositories(4000), 10)
	f.expect(t, "and is no longer needed", read(3, entries(4000)...), News{}, 4000)
}

func TestFeedKnowsAnotherLog(t *testing.T) {
	later := entry(4000) // more than an hour after the 10th
	same := entry(10)
	same.Repository = "a/other"
	for name, test := range map[string]struct {
		log     []harbor.AuditEntry
		rewound bool
	}{
		"ends before the cursor":                 {nil, true},
		"another entry at the cursor":            {[]harbor.AuditEntry{same}, true},
		"no entry at the cursor, and then soon":  {entries(11), true},
		"purged, and the next long after":        {[]harbor.AuditEntry{later}, false},
		"the entry at the cursor is still there": {entries(10, 11), false},
	} {
		f := started(10)
		news := f.Follow(read(1, test.log...))
		if _, ok := f.From(); news.Rewound != test.rewound || ok == test.rewound {
			t.Errorf("%s: %+v, goes on: %t", name, news, ok)
		}
	}
}

func TestFeedRemembersNoMoreThanItCan(t *testing.T) {
	f := started(1)
	log := entries(1)
	for id := int64(2); id < 3*maxUnsettled; id++ {
		log = append(log, entry(id))
		if id%999 == 0 {
			from, _ := f.From()
			f.Follow(read(1, log[from-1:]...)) // time stands still
			if len(f.seen) > maxUnsettled {
				t.Fatalf("%d entries are remembered", len(f.seen))
			}
		}
	}
	if from, _ := f.From(); from < maxUnsettled {
		t.Errorf("the log is still read from %d on", from)
	}
}

// row is a row of a simulated log: its id is given at one time, and it is seen
// from another on.
type row struct {
	id      int64
	visible time.Time
}

// TestFeedLosesNothing: rows appear in any order, at most Lag after their ids
// were given. Readings take time, page by page, and break off. Every row is told
// of once, by the reading that saw it first, and when all is quiet a reading
// brings one entry.
func TestFeedLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lag := time.Duration(rapid.IntRange(1, 60).Draw(t, "lag")) * time.Second
		within := func(name string, most time.Duration) time.Duration {
			return time.Duration(rapid.Int64Range(0, int64(most)).Draw(t, name))
		}
		log := []row{{id: 1, visible: epoch}}
		given := epoch
		for range rapid.IntRange(0, 40).Draw(t, "rows") {
			given = given.Add(within("pause", lag))
			id := log[len(log)-1].id + int64(rapid.IntRange(1, 3).Draw(t, "step"))
			log = append(log, row{id, given.Add(within("late", lag))})
		}
		f := &Feed{Lag: lag}
		f.Start(entry(1), true, epoch)
		told := map[string]int{}
		now := epoch
		follow := func(breaks bool) int {
			r := Reading{Began: now}
			now = readLog(&r, f, log, now, func() time.Duration { return within("page", lag) },
				func() bool { return breaks && rapid.IntRange(0, 4).Draw(t, "breaks") == 0 })
			seen := map[string]bool{}
			for _, e := range r.Entries {
				seen[e.Repository] = true
			}
			before, _ := f.From()
			news := f.Follow(r)
			cursor, _ := f.From()
			for _, name := range news.Repositories {
				told[name]++
				if !seen[name] {
					t.Fatalf("%s is told of, and was not read", name)
				}
			}
			for _, row := range log {
				if name := entry(row.id).Repository; told[name] > 1 || told[name] == 0 && row.id != 1 && (seen[name] || row.id <= cursor) {
					t.Fatalf("%s was told of %d times; read: %t, the cursor is %d", name, told[name], seen[name], cursor)
				}
			}
			if news.Rewound || cursor < before || len(f.seen) > len(log) {
				t.Fatalf("%+v, the cursor went from %d to %d, %d entries are remembered", news, before, cursor, len(f.seen))
			}
			return len(r.Entries)
		}
		for now.Before(given.Add(lag)) {
			follow(true)
			now = now.Add(within("period", 3*lag) + time.Second)
		}
		follow(false)
		now = now.Add(lag)
		follow(false)
		if n := follow(false); n != 1 || len(told) != len(log)-1 {
			t.Fatalf("a reading brings %d entries when all is quiet; %d of %d rows were told of", n, len(told), len(log)-1)
		}
	})
}

// readLog reads what is visible in pages of 3, each at a later time, and returns
// the time when it ended. At least the first page is read.
func readLog(r *Reading, f *Feed, log []row, now time.Time, pause func() time.Duration, breaks func() bool) time.Time {
	from, _ := f.From()
	for {
		var page []harbor.AuditEntry
		for _, row := range log {
			if row.id >= from && !row.visible.After(now) && len(page) < 3 {
				page = append(page, entry(row.id))
			}
		}
		r.Entries = append(r.Entries, page...)
		r.Ended = now
		if len(page) < 3 || breaks() {
			break
		}
		from = page[2].ID + 1
		now = now.Add(pause())
	}
	if !slices.IsSortedFunc(r.Entries, func(a, b harbor.AuditEntry) int { return cmp.Compare(a.ID, b.ID) }) {
		panic("the simulated log is out of order")
	}
	return now
}

func TestVerdict(t *testing.T) {
	pushed := after(10 * time.Second)
	found := func(f *Feed, n int) *Feed {
		for i := range n {
			f.Found(fmt.Sprintf("a/found%d", i), epoch)
		}
		return f
	}
	follow := func(f *Feed, minute int, all ...harbor.AuditEntry) *Feed {
		f.Follow(read(minute, all...))
		return f
	}
	empty := func(f *Feed, minute int) *Feed {
		f.Start(harbor.AuditEntry{}, false, after(time.Duration(minute)*time.Minute))
		return f
	}
	for name, test := range map[string]struct {
		feed   *Feed
		pushed time.Time
		want   Reason
	}{
		"a new Harbor":                               {empty(&Feed{}, 0), time.Time{}, LogEmpty},
		"empty, with artifacts":                      {empty(&Feed{}, 0), pushed, LogNotPermitted},
		"empty, with changes":                        {empty(found(empty(&Feed{}, 0), 3), 2), time.Time{}, LogNotPermitted},
		"empty, with changes just now":               {empty(found(empty(&Feed{}, 0), 3), 1), time.Time{}, LogEmpty},
		"emptied":                                    {empty(follow(started(10), 1), 1), pushed, LogNotPermitted},
		"started":                                    {started(10), pushed, LogWorking},
		"resumed":                                    {Resume(Cursor{10, entry(10).At}), pushed, LogWorking},
		"resumed, and silent since":                  {Resume(Cursor{10, entry(10).At}), after(24 * time.Hour), LogSwitchedOff},
		"a push that it has yet to tell of":          {started(10), after(15 * time.Minute), LogWorking},
		"a push that it never told of":               {started(10), after(16 * time.Minute), LogSwitchedOff},
		"told of at last":                            {follow(started(10), 1, entry(10), entry(1000)), after(16 * time.Minute), LogWorking},
		"changes that it has yet to tell of":         {follow(found(started(10), 3), 1, entry(10)), pushed, LogWorking},
		"two changes that it never told of":          {follow(found(started(10), 2), 2, entry(10)), pushed, LogWorking},
		"three, and of none at all":                  {follow(found(started(10), 3), 2, entry(10)), pushed, LogSwitchedOff},
		"three, and of one":                          {follow(found(started(10), 3), 2, entries(10, 11)...), pushed, LogIncomplete},
		"three, and of as many":                      {follow(found(started(10), 3), 2, entries(10, 11, 12, 13)...), pushed, LogWorking},
		"what was found is told of a little later":   {follow(found(started(10), 3), 2, entry(10), foundEntry(0, 11), foundEntry(1, 12), foundEntry(2, 13)), pushed, LogWorking},
		"found again and again is still one":         {follow(found(found(found(started(10), 1), 1), 1), 2, entry(10)), pushed, LogWorking},
		"off for long, then on again for long":       {follow(found(started(10), 200), 2, longLog()...), pushed, LogWorking},
		"more changes than can be waited for at all": {follow(found(started(10), 10*maxOpen), 2, entry(10)), pushed, LogSwitchedOff},
	} {
		verdict := test.feed.Verdict(test.pushed)
		if verdict.Reason != test.want {
			t.Errorf("%s: %s (%s), want %s", name, verdict.Reason, verdict.Message, test.want)
		}
		if len(test.feed.tally.open) > maxOpen || test.feed.tally.tells+test.feed.tally.misses > tallied {
			t.Errorf("%s: %d waited for, %+v", name, len(test.feed.tally.open), test.feed.tally)
		}
	}
}

func foundEntry(n int, id int64) harbor.AuditEntry {
	e := entry(id)
	e.Repository = fmt.Sprintf("a/found%d", n)
	return e
}

func longLog() []harbor.AuditEntry {
	all := entries(10)
	for id := int64(11); id < 500; id++ {
		all = append(all, entry(id))
	}
	return all
}

// TestVerdictMessages pins what a person reads after "the audit log".
func TestVerdictMessages(t *testing.T) {
	off, incomplete := started(10), started(10)
	for i := range 3 {
		off.Found(fmt.Sprint(i), epoch)
		incomplete.Found(fmt.Sprint(i), epoch)
	}
	off.Follow(read(2, entry(10)))
	incomplete.Follow(read(2, entries(10, 11)...))
	for _, test := range []struct {
		verdict Verdict
		want    string
	}{
		{started(1).Verdict(epoch), "is followed"},
		{(&Feed{}).Verdict(time.Time{}), "has no entries yet"},
		{(&Feed{}).Verdict(epoch), "is empty although there are artifacts: the account needs the right audit-log:list, or the log is off"},
		{off.Verdict(epoch), "tells of no change: is it switched off in Harbor?"},
		{started(10).Verdict(after(time.Hour)), "tells of nothing since 2026-05-01T00:00:10Z, although artifacts were pushed: is it switched off in Harbor?"},
		{incomplete.Verdict(epoch), "does not tell of most changes: the account needs the right audit-log:list, or some types of events are switched off in Harbor"},
	} {
		if test.verdict.Message != test.want {
			t.Errorf("%s: %q, want %q", test.verdict.Reason, test.verdict.Message, test.want)
		}
	}
}
