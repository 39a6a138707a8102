// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Package controller reconciles HarborInventories. It is the only package that
// writes to Kubernetes. What it writes is decided by code that has no client and no
// clock: due.go, outcome.go, hints.go, lane.go and policies.go here, and the packages
// internal/current, internal/inventory, internal/shard and internal/vulnerability.
//
// Four controllers work on an inventory, side by side, so that what is urgent waits
// for nothing that takes long. The doc comment of each one's reconcile function
// numbers its phases:
//
//	| controller              | what it does                             | phases        | what is to be done |
//	|-------------------------|------------------------------------------|---------------|--------------------|
//	| harborinventory         | reads Harbor, and tells the outcome      | reconciler.go | due.go             |
//	| harborinventory-hints   | reads what somebody says has changed     | hintsync.go   | hints.go           |
//	| harborinventory-details | looks up scans and SBOMs after the syncs | look.go       | lane.go            |
//	| harborinventory-reports | reads the reports of the worst artifacts | reports.go    | reportstate.go     |
//
// The first three write the same lists. They share what is known of an inventory
// (knowledge.go): a repository's lists are written by whoever holds its lock, and
// by nobody whose reading is older than what stands in them. That knowledge is lost
// with the process. A spec that changes ends what is under way (running.go).
//
// Read first: reconciler.go, then the files of a sync in this order.
//
//	| phase of a sync               | files                                                               |
//	|-------------------------------|---------------------------------------------------------------------|
//	| is it time?                   | due.go                                                              |
//	| who owns the lists?           | ownership.go                                                        |
//	| what does the spec refer to?  | resolve.go, refusal.go, harbors.go                                  |
//	| what need not be read?        | sweep.go                                                            |
//	| read Harbor and hand on       | sync.go, sink.go                                                    |
//	| what is to stand in the lists | lists.go, carry.go, confirm.go, statusoutput.go                     |
//	| write them                    | listobject.go, writing.go, migration.go, settling.go                |
//	| keep webhook policies         | register.go, policies.go                                            |
//	| tell the outcome              | outcome.go, wording.go, numbers.go, layers.go, status.go, events.go |
//
// Hints come from three sides: webhooks.go, auditlog.go, and edits.go, which sees
// what others make of the lists. named.go keeps in mind which artifacts they are
// about, and patching.go brings these into lists. reportpass.go and reportobject.go
// are a pass over the reports and the objects that it writes. metrics.go,
// inventorymetrics.go, tracing.go and health.go are how all of it is watched from
// outside; transform.go is how little the cache holds.
package controller
