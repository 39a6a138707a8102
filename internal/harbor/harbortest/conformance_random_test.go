// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"net/http"
	"strings"
)

// anyOutcome replays an entry that was recorded while the database was short of
// connections: the answer must be that of one of the outcomes that
// [DatabaseShort] draws from.
func (run *replay) anyOutcome(e *entry) {
	run.Helper()
	run.tally.count(randomOutcome)
	if strings.Contains(e.body, `"perf/big20k"`) {
		run.follow(e)
	}
	name, secret := run.who(e)
	drop := run.dropped(e)
	differences := ""
	for _, o := range []outcome{{}, {drop: drop}, {anonymous: true}, {fail: true}, {forbidden: true}, {anonymous: true, fail: true}} {
		remove := run.server.Inject(Rule{Fault: Fault{before: []func(*exchange){func(x *exchange) { x.shortage(o) }}}})
		difference := run.compare(e, run.send(e, name, secret))
		remove()
		if difference == "" {
			run.tally.compared++
			return
		}
		differences += difference
	}
	run.tally.compared++
	run.Errorf("entry %d: %s: no outcome gives the answer\n%s", e.number, e.request(), differences)
}

// dropped tells the parts that the rows of a partial answer lack.
func (run *replay) dropped(e *entry) func(*artifact, string) bool {
	run.Helper()
	missing := map[int64]map[string]bool{}
	if e.status == http.StatusOK && strings.Contains(e.url.Path, "/artifacts") {
		each(run.T, e, func(a *artifactAnswer) {
			_, scannable := a.Links[vulnerabilities]
			missing[a.ID] = map[string]bool{
				"tags": a.Tags == nil, "labels": a.Labels == nil, "accessories": a.Accessories == nil, "addition_links": !scannable,
			}
		})
	}
	return func(a *artifact, part string) bool { return missing[a.id][part] }
}
