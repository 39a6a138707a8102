// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Package version tells which version of the project a binary was built from.
package version

import "runtime/debug"

// version is set by the linker: see LDFLAGS in the Makefile.
var version string

// String returns the version that the linker stamped, else the module version
// that "go install module@version" left in the build information, else "dev".
func String() string {
	info, _ := debug.ReadBuildInfo()

	return choose(version, info)
}

// choose takes info as nil when the binary carries no build information.
func choose(stamped string, info *debug.BuildInfo) string {
	switch {
	case stamped != "":
		return stamped
	case info != nil && info.Main.Version != "" && info.Main.Version != "(devel)":
		return info.Main.Version
	default:
		return "dev"
	}
}
