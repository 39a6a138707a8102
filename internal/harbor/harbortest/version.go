// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"fmt"
	"strconv"
	"strings"
)

// Version is the Harbor version that a simulator behaves as. The zero value is
// [Latest]. What differs between versions (read from Harbor's source):
//
//   - before 2.10 robots cannot have rights of system scope, nor to webhook
//     policies: [Robot].SystemScope and Webhooks have no effect
//   - before 2.11 the flag with_sbom_overview is ignored
//   - before 2.12 there is no /projects/{p}/artifacts (404)
//   - before 2.13 there is no /auditlog-exts and /projects/{p}/auditlog-exts (404):
//     the rows are in /audit-logs and /projects/{p}/logs, without description and
//     result, and as repo:digest
//   - up to 2.15.1 a repository's update_time moves with pulls and description
//     edits only, not with pushes, tags and deletes
//
// The shape of the JSON is that of 2.16 in every version.
type Version struct {
	Major, Minor, Patch int
	// Build is what follows the number in harbor_version: "v2.16.0-c50c7ddd6e".
	Build string
}

const unknownBuild = "00000000"

// Versions that tests name most often.
var (
	Harbor28   = Version{2, 8, 0, unknownBuild}
	Harbor211  = Version{2, 11, 0, unknownBuild}
	Harbor212  = Version{2, 12, 0, unknownBuild}
	Harbor213  = Version{2, 13, 0, unknownBuild}
	Harbor2151 = Version{2, 15, 1, unknownBuild}
	Harbor216  = Version{2, 16, 0, "c50c7ddd6e"}
	// Latest is the version that the recordings come from.
	Latest = Harbor216
)

// ParseVersion reads "2.12", "v2.15.1" or "2.16.0-c50c7ddd6e".
func ParseVersion(s string) (Version, error) {
	number, build, _ := strings.Cut(strings.TrimPrefix(s, "v"), "-")
	parts := strings.Split(number, ".")
	if len(parts) < 2 || len(parts) > 3 {
		return Version{}, fmt.Errorf("version %q: want major.minor or major.minor.patch, such as 2.12 or 2.15.1", s)
	}
	v := Version{Build: build}
	for i, field := range []*int{&v.Major, &v.Minor, &v.Patch}[:len(parts)] {
		n, err := strconv.Atoi(parts[i])
		if err != nil || n < 0 {
			return Version{}, fmt.Errorf("version %q: %q is not a number; want a version such as 2.12 or 2.15.1", s, parts[i])
		}
		*field = n
	}
	switch {
	case v.Build != "":
	case v == Version{Major: Latest.Major, Minor: Latest.Minor, Patch: Latest.Patch}:
		return Latest, nil
	default:
		v.Build = unknownBuild
	}
	return v, nil
}

// String is the harbor_version that /systeminfo answers.
func (v Version) String() string {
	return fmt.Sprintf("v%d.%d.%d-%s", v.Major, v.Minor, v.Patch, v.Build)
}

// atLeast reports whether v is 2.minor.patch or a later one.
func (v Version) atLeast(minor, patch int) bool {
	if v.Major != 2 {
		return v.Major > 2
	}
	if v.Minor != minor {
		return v.Minor > minor
	}
	return v.Patch >= patch
}

func (v Version) orLatest() Version {
	if v == (Version{}) {
		return Latest
	}
	return v
}

func (v Version) hasProjectArtifacts() bool { return v.atLeast(12, 0) }
func (v Version) hasRobotRights() bool      { return v.atLeast(10, 0) }
func (v Version) hasAuditLogExt() bool      { return v.atLeast(13, 0) }
func (v Version) hasSBOMOverview() bool     { return v.atLeast(11, 0) }
func (v Version) movesUpdateTime() bool     { return v.atLeast(15, 2) }
