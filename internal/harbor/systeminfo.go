// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"context"
	"io"
)

// SystemInfo is what Harbor tells of itself.
type SystemInfo struct {
	// Version like v2.16.0-c50c7ddd6e. Harbor tells it to authenticated callers
	// only (observed on 2.16).
	Version string
	// ReadOnly: Harbor takes no pushes at present.
	ReadOnly bool
}

// Authenticated tells whether Harbor knew the credentials.
func (s SystemInfo) Authenticated() bool { return s.Version != "" }

// SystemInfo reads GET /systeminfo. It succeeds with wrong credentials too.
func (c *Client) SystemInfo(ctx context.Context) (SystemInfo, error) {
	var info SystemInfo
	_, err := c.do(ctx, call{endpoint: "systeminfo", path: "/systeminfo", decode: func(body io.Reader) (err error) {
		info, err = single(body, decodeSystemInfo)
		return err
	}})
	return info, err
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
