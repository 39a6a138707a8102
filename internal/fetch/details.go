// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"cmp"
	"context"
	"errors"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

// troubledReads is how many further listings must agree that an artifact has no
// labels or accessories while Harbor is in trouble.
const troubledReads = 2

// confirmDetails reads the artifacts again, up to so many times, whose labels or
// accessories are missing, if any request of this client has met an error that
// tells of trouble in Harbor's database. What one answer shows is believed:
// Harbor leaves out, it does not invent.
func (l *listing) confirmDetails(ctx context.Context, artifacts []harbor.Artifact, readings int, then func(context.Context, error)) {
	var first, last int64
	if l.run.client.Troubled() {
		for i := range artifacts {
			if l.run.lacksDetails(&artifacts[i]) {
				first, last = cmp.Or(first, artifacts[i].ID), artifacts[i].ID
			}
		}
	}
	if readings == 0 || last == 0 {
		then(ctx, nil)
		return
	}
	byIDs(l.wanted(), idsBetween(artifacts, first, last), func(ctx context.Context, again map[int64]*harbor.Artifact, err error) {
		if err != nil {
			then(ctx, err)
			return
		}
		for i := range artifacts {
			if other := again[artifacts[i].ID]; other != nil {
				fillDetails(&artifacts[i], other)
			}
		}
		l.confirmDetails(ctx, artifacts, readings-1, then)
	})
}

func (r *run) lacksDetails(a *harbor.Artifact) bool {
	details := r.req.Details
	return details.Labels && len(a.Labels) == 0 || details.Accessories && len(a.Accessories) == 0
}

// fillDetails takes from another answer what this one lacks.
func fillDetails(a, other *harbor.Artifact) {
	if len(a.Labels) == 0 {
		a.Labels = other.Labels
	}
	if len(a.Accessories) == 0 {
		a.Accessories = other.Accessories
	}
	if a.Scan == nil {
		a.Scan = other.Scan
	}
	if a.SBOM == nil {
		a.SBOM = other.SBOM
	}
}

// Confirm asks for the details of one artifact that a listing seems to have
// lost: accessories from the endpoint that reports its errors, the others by
// digest, twice. What is found is filled in; an artifact that is gone is left
// as it is.
func Confirm(ctx context.Context, client *harbor.Client, repository string, a *harbor.Artifact, details harbor.Details) error {
	err := confirm(ctx, client, repository, a, details)
	if errors.Is(err, harbor.ErrNotFound) {
		return nil
	}
	return err
}

func confirm(ctx context.Context, client *harbor.Client, repository string, a *harbor.Artifact, details harbor.Details) error {
	for range 2 {
		other, err := permitted(func() (harbor.Artifact, error) { return client.Artifact(ctx, repository, a.Digest, details) })
		if err != nil {
			return err
		}
		fillDetails(a, &other)
	}
	if !details.Accessories || len(a.Accessories) > 0 {
		return nil
	}
	var accessories []harbor.Accessory
	for accessory, err := range client.Accessories(ctx, repository, a.Digest) {
		if err != nil {
			return err
		}
		accessories = append(accessories, *accessory)
	}
	a.Accessories = accessories
	return nil
}
