// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import "regexp"

// maxName is the length of the longest name of a project, and of the longest
// full name of a repository, in bytes: both are varchar(255) in Harbor.
const maxName = 255

// Names as Harbor allows them: of a project, of a repository after the
// project's and a slash, and digests as the OCI image specification registers
// them.
var (
	projectGrammar    = regexp.MustCompile(`^[a-z0-9]+(?:[._-][a-z0-9]+)*$`)
	repositoryGrammar = regexp.MustCompile(`^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$`)
	digestGrammar     = regexp.MustCompile(`^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$`)
)

// ValidProject tells whether Harbor could have a project of this name.
func ValidProject(name string) bool { return len(name) <= maxName && projectGrammar.MatchString(name) }

// ValidRepository tells whether Harbor could have a repository of this full name.
func ValidRepository(full string) bool {
	project, rest, ok := SplitRepository(full)
	return ok && len(full) <= maxName && ValidProject(project) && repositoryGrammar.MatchString(rest)
}

// ValidDigest tells whether an artifact could have this digest.
func ValidDigest(digest string) bool { return digestGrammar.MatchString(digest) }
