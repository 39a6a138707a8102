// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import "github.com/harbor-inventory/harbor-inventory/internal/harbor"

// StampsTellChanges tells whether a repository's update_time moves on every
// change of its artifacts and tags: from Harbor 2.15.2 on. An unknown version
// counts as old.
func StampsTellChanges(version string) bool { return harbor.VersionAtLeast(version, 2, 15, 2) }
