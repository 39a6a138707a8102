// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import "slices"

// CollectGarbage deletes every listed artifact without a tag, as Harbor's garbage
// collection does where it is told to, and returns how many. No event and no row
// of the audit log tell of it. From 2.15.2 on update_time moves, as with any
// deletion (read from Harbor's source, not recorded).
func (r *Registry) CollectGarbage() (deleted int) {
	_ = r.write(func(now instant) error {
		for _, repo := range r.repositories {
			for _, a := range slices.Clone(repo.artifacts) {
				// One that went with another is no longer there.
				if a.listed() && len(a.tags) == 0 && repo.byDigest(a.digest) == a {
					r.remove(a)
					r.touch(repo, now)
					deleted++
				}
			}
		}
		return nil
	})
	return deleted
}
