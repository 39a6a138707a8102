// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"slices"
	"strings"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/fetch"
)

// Bounds of what a message names.
const (
	maxMessage     = 1024
	namesInMessage = 3
)

// describe tells what the inventory holds.
func describe(res *result) string {
	return fmt.Sprintf("%s of %s in %s",
		counted(res.totals.Artifacts, "artifact"), counted(int64(res.report.Repositories), "repository"), counted(int64(res.report.Projects), "project"))
}

func counted(n int64, what string) string {
	switch {
	case n == 1:
	case strings.HasSuffix(what, "y"):
		what = strings.TrimSuffix(what, "y") + "ies"
	default:
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// describeFailures names the first of the failures, why, and what helps. What
// could not be written was read, and is told apart where nothing else failed.
func describeFailures(inv *v1alpha1.HarborInventory, failures []fetch.Failure) string {
	names := make([]string, len(failures))
	for i, f := range failures {
		names[i] = nameOf(f)
	}
	verb := "read"
	if slices.ContainsFunc(failures, func(f fetch.Failure) bool { return f.Reason == fetch.ReasonWrite }) {
		verb = "read or written"
		if !slices.ContainsFunc(failures, func(f fetch.Failure) bool { return f.Reason != fetch.ReasonWrite }) {
			verb = "written"
		}
	}
	return fmt.Sprintf("%d could not be %s: %s (%s)", len(failures), verb, someNames(names), describeFailure(inv, failures[0]))
}

// describeFailure tells why one thing failed, and what helps, where that is
// something else than waiting.
func describeFailure(inv *v1alpha1.HarborInventory, f fetch.Failure) string {
	switch {
	case isOfQuery(inv, f):
		return fmt.Sprintf("correct spec.artifacts.query: Harbor does not accept %q: %v", inv.Spec.Artifacts.Query, f.Err)
	case f.Reason == fetch.ReasonUnauthorized && inv.Spec.Harbor.CredentialsSecretRef == nil:
		return fmt.Sprintf("%v: name an account in spec.harbor.credentialsSecretRef, or take it out of the selection", f.Err)
	case f.Reason == fetch.ReasonForbidden:
		return fmt.Sprintf("%v: give the account the right to read it, or take it out of the selection", f.Err)
	default:
		return f.Err.Error()
	}
}

// describeUnmatched names entries of the spec that Harbor has nothing for.
func describeUnmatched(inv *v1alpha1.HarborInventory, entries []string) string {
	named := make([]string, len(entries))
	for i, entry := range entries {
		field := "spec.repositories"
		if slices.Contains(texts(inv.Spec.Projects), entry) {
			field = "spec.projects"
		}
		named[i] = fmt.Sprintf("%s (%s)", entry, field)
	}
	return someNames(named) + ": check the spelling, and that the account may see it"
}

func nameOf(f fetch.Failure) string {
	switch {
	case f.Repository != "":
		return f.Repository
	case f.Project != "":
		return "project " + f.Project
	default:
		return "the registry"
	}
}

// someNames shows the first names; a condition is no place for all.
func someNames(names []string) string {
	if len(names) <= namesInMessage {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:namesInMessage], ", "), len(names)-namesInMessage)
}

func cutMessage(message string) string {
	if len(message) <= maxMessage {
		return message
	}
	return strings.ToValidUTF8(message[:maxMessage-3], "") + "..."
}
