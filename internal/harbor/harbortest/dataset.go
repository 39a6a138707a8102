// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"fmt"
	"strconv"
	"strings"
)

// Dataset returns the registry that text names, as harborsim's flag --dataset
// does: "recorded", "believable" or "generated", the last with sizes as in
// "generated:projects=10,repositories=200,artifacts=50,seed=1" (repositories of
// all projects together, artifacts of each repository); large=4 and
// largeArtifacts=5000 make some of the repositories large.
func Dataset(text string, options ...Option) (*Registry, error) {
	name, sizes, _ := strings.Cut(text, ":")
	if name != "generated" && sizes != "" {
		return nil, fmt.Errorf("data set %q: only generated has sizes", text)
	}
	switch name {
	case "recorded":
		return Recorded(options...), nil
	case "believable":
		return Believable(options...), nil
	case "generated":
		size, err := parseSize(sizes)
		if err != nil {
			return nil, fmt.Errorf("data set %q: %w", text, err)
		}
		return Generated(size, options...), nil
	}
	return nil, fmt.Errorf("data set %q: want recorded, believable or generated", text)
}

func parseSize(text string) (Size, error) {
	var s Size
	if text == "" {
		return s, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		key, value, _ := strings.Cut(part, "=")
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 {
			return s, fmt.Errorf("%q: want a whole number of 1 or more, as in %s=10", part, key)
		}
		switch key {
		case "projects":
			s.Projects = n
		case "repositories":
			s.Repositories = n
		case "artifacts":
			s.Artifacts = n
		case "large":
			s.Large = n
		case "largeArtifacts":
			s.LargeArtifacts = n
		case "seed":
			s.Seed = uint64(n)
		default:
			return s, fmt.Errorf("%q: want projects, repositories, artifacts, large, largeArtifacts or seed", key)
		}
	}
	return s, nil
}

// Logins lists the accounts as "name/secret name/secret ...", for people who
// want to try the simulator.
func (r *Registry) Logins() string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var logins []string
	for _, name := range sortedKeys(r.accounts) {
		logins = append(logins, name+"/"+r.accounts[name].secret)
	}
	return strings.Join(logins, " ")
}
