// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"context"
	"strings"
)

// SystemInfo is what Harbor tells of itself.
type SystemInfo struct {
	// Version like v2.16.0-c50c7ddd6e. Harbor tells it to authenticated callers
	// only (observed on 2.16). At most 64 characters, and such as versions have.
	Version string
	// ReadOnly: Harbor takes no pushes at present.
	ReadOnly bool
}

// Authenticated tells whether Harbor knew the credentials.
func (s SystemInfo) Authenticated() bool { return s.Version != "" }

// SystemInfo reads GET /systeminfo. It succeeds with wrong credentials too.
func (c *Client) SystemInfo(ctx context.Context) (SystemInfo, error) {
	info, err := get(ctx, c, call{endpoint: "systeminfo", path: "/systeminfo"}, decodeSystemInfo, nil)
	info.Version = versionText(info.Version)
	return info, err
}

const maxVersion = 64

// versionText keeps a version from carrying other text into a status.
func versionText(s string) string {
	return cutText(strings.Map(func(r rune) rune {
		switch {
		case '0' <= r && r <= '9', 'A' <= r && r <= 'Z', 'a' <= r && r <= 'z', strings.ContainsRune(".+-_", r):
			return r
		default:
			return '_'
		}
	}, s), maxVersion)
}

func decodeSystemInfo(d *decoder, s *SystemInfo) error {
	return d.object(func(name string) error {
		switch name {
		case "harbor_version":
			return d.text(&s.Version)
		case "read_only":
			return d.boolean(&s.ReadOnly)
		default:
			return d.skip()
		}
	})
}
