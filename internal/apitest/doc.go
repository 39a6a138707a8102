// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Package apitest holds the tests that put the CustomResourceDefinitions in
// front of a real API server: what it accepts, what it refuses and with which
// words, what it fills in, and how clients of every kind see the objects.
//
// The inputs are in testdata/validation; the server's exact answers are in
// testdata/*.golden. Run the tests with -update to write the answers anew,
// and read the difference.
package apitest
