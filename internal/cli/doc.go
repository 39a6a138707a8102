// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Package cli is the kubectl plugin: kubectl harbor-inventory.
//
// Most commands read the inventories in a cluster; fetch reads a Harbor itself.
// Whatever they read comes to them as a stream of [Artifact], one at a time, and
// most of it goes to a printer the same way:
//
//	HarborInventories  ─┐                                   ┌─> table, JSON, YAML, names, columns
//	ArtifactLists       ├─> Artifact ─> Filter (list,search)┼─> CSV, JSON lines
//	a saved export      │                                   ├─> tree, diff, bills of materials,
//	a Harbor            ─┘                                  └   sorted rows: gathered first
//
// The API server is asked in chunks, and a chunk is decoded list by list while it
// comes in, so that memory holds one ArtifactList, not all of them, and the first
// row is out before the last chunk is asked for. Where a filter asks about them,
// VulnerabilityReports are read beside the lists; of one, what it says is kept.
//
// One command a file; commands in command.go is the list of them. What decides (filters,
// differences, sums, columns) is pure and takes the time as a parameter.
package cli
