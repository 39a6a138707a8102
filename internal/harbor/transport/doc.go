// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Package transport holds what a Harbor client's http.RoundTripper is made of,
// one a file. Outermost first:
//
//	auth     credentials, to Harbor's own address only
//	limit    so many requests in flight, until the answer is read to its end
//	observe  tells an Observer of each request
//	timeouts ends a request that stands still, above http.Transport's own time-outs
//	(http.Transport)
//
// Retrying happens above all of them, so that a wait holds no connection, and
// above the decoding of bodies, so that an answer that breaks off is asked for
// again as a whole: see [RetryPolicy].
package transport
