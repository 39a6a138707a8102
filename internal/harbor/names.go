// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"fmt"
	"net/url"
	"strings"
)

// SplitRepository splits a full name into project and rest.
func SplitRepository(full string) (project, rest string, ok bool) {
	project, rest, _ = strings.Cut(full, "/")
	return project, rest, project != "" && rest != ""
}

// projectPath is the path of a project below /api/v2.0.
func projectPath(name string) (string, error) {
	if !isSegment(name) || strings.Contains(name, "/") {
		return "", fmt.Errorf("%w: %q is no name of a project", ErrBadRequest, shown(name))
	}
	return "/projects/" + url.PathEscape(name), nil
}

// repositoryPath is the path of a repository below /api/v2.0. Slashes in the
// name after the project must be escaped twice: nginx and the router each take
// one away.
func repositoryPath(full string) (string, error) {
	name, rest, ok := SplitRepository(full)
	if !ok || !isSegment(rest) {
		return "", fmt.Errorf("%w: %q is no full name of a repository, as project/name is", ErrBadRequest, shown(full))
	}
	project, err := projectPath(name)
	if err != nil {
		return "", err
	}
	return project + "/repositories/" + url.PathEscape(url.PathEscape(rest)), nil
}

// artifactPath is the path of an artifact, given by digest or tag.
func artifactPath(repository, reference string) (string, error) {
	path, err := repositoryPath(repository)
	if err != nil {
		return "", err
	}
	if !isSegment(reference) || strings.Contains(reference, "/") {
		return "", fmt.Errorf("%w: %q is neither a digest nor a tag", ErrBadRequest, shown(reference))
	}
	return path + "/artifacts/" + url.PathEscape(reference), nil
}

// isSegment tells whether a name stays one segment of a path: whoever cleans
// paths on the way would take "." and ".." for directories.
func isSegment(name string) bool { return name != "" && name != "." && name != ".." }

// shown shortens a name for an error's text.
func shown(name string) string { return cutText(name, 300) }
