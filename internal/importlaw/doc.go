// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Package importlaw holds no code, only the test of which package may import
// which. The law itself is the table in law_test.go. The linter's depguard
// rules repeat it for direct imports, so that an editor can show a breach.
package importlaw
