// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package apitest

import (
	"slices"
	"strings"
	"testing"
)

// maxDescriptionLine is the longest line of a description that kubectl explain
// shows as it is: it indents by 4 and wraps at 80, and leaves the rest of a longer
// line standing alone.
const maxDescriptionLine = 76

// TestDescriptions holds that every field is described, and that the descriptions
// come out of kubectl explain as they were written.
func TestDescriptions(t *testing.T) {
	found := 0
	for kind, root := range readSchemas(t) {
		found += described(t, kind, root)
	}
	if found < 100 {
		t.Errorf("only %d fields were looked at", found)
	}
}

// described looks at a field and those in it, and counts them. What is Kubernetes'
// own is left out.
func described(t *testing.T, path string, s openAPISchema) int {
	t.Helper()
	if s.Description == "" {
		t.Errorf("%s has no description", path)
	}
	for line := range strings.SplitSeq(s.Description, "\n") {
		if len(line) > maxDescriptionLine {
			t.Errorf("%s: a line has %d characters, more than %d: %s", path, len(line), maxDescriptionLine, line)
		}
	}
	properties := s.Properties
	if s.Items != nil {
		properties = s.Items.Properties
	}
	count := 1
	_, top := properties["apiVersion"]
	for name, field := range properties {
		if name == "conditions" || top && slices.Contains([]string{"apiVersion", "kind", "metadata"}, name) {
			continue
		}
		count += described(t, path+"."+name, field)
	}
	return count
}
