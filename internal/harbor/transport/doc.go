// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Package transport holds the http.RoundTrippers that a Harbor client is made
// of, one a file. Outermost first:
//
//	auth    credentials, to Harbor's own address only
//	limit   so many requests in flight, until the answer is read to its end
//	observe tells an Observer of each request
//	(http.Transport)
//
// Retrying happens above all of them, so that a wait holds no connection: see
// [RetryPolicy].
package transport
