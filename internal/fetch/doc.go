// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Package fetch reads the selected part of a Harbor registry, with as many
// requests in flight as the client's limiters allow, and hands each repository
// to a [Sink] the moment it is complete. It knows no Kubernetes.
//
// The work is a queue of small tasks that a fixed number of workers share:
//
//	project names ─┬─> repositories of a project ─┬─> artifacts of a repository ─┬─> page
//	(read or list) │   (first page, the others    │   (first page)               ├─> page   (side by side)
//	               │    side by side, then tiles) │                              └─> page
//	               │                              ├─> artifacts of a tile: likewise, for some
//	               │                              │   hundred small repositories at once
//	               │                              │         last page ─> verify ─> sink
//	               └─> held, not listed: ask about each one by name
//
// No task waits for another one: what comes after several is run by the last of
// them. So a worker is idle only when there is no request that could be made. The
// order of the tasks bounds memory: what has begun comes before what has not, and
// of that, the largest repository first, lest the run end with it alone. A sink
// that is slow stops the reading only when a bounded number of artifacts waits
// for it.
//
// Which repositories are read by themselves, and which together by the listing of
// their project, is decided by a pure function; see planTiles.
//
// Where most of it is known (Request.Known), nothing waits for the listings, and
// they are read in the fewest requests; see sweep.go.
//
// What Harbor answers is believed by these rules, read from Harbor's source and
// seen on a running Harbor 2.16:
//
//   - Credentials that Harbor cannot verify make a request anonymous instead of
//     failing it. So the run is fenced by /systeminfo, which tells its version to
//     authenticated callers only, and a listing of projects that shows no private
//     one is read again, between such fences, before it is believed.
//   - Nothing is reported as gone because a listing lacks it: a repository is
//     gone when it is 404 by name while its project is there, a project when the
//     existence probe says 404; each asked twice.
//   - Harbor says 403 to somebody with every right when it cannot load the
//     rights. So a 403 is asked for again before it is believed.
//   - A listing of several pages is complete when the repository did not change
//     while it was read; otherwise it is read again in windows of ids, which
//     neither miss nor double an artifact while others come and go.
//   - In a listing of many repositories, a repository is complete that has the same
//     entry before and after (from Harbor 2.15.2 on that says that nothing changed)
//     and of which as many artifacts came as it has. Any other is read by itself.
//   - A listing of a project's repositories of several pages is read a second time,
//     in windows of ids.
//   - Harbor drops the tags of an artifact from a listing when its own query for
//     them fails. So the artifacts without tags must be those that another query
//     selects; it counts none of a repository's artifacts when that query fails,
//     so a repository is empty only when its listing is.
package fetch
