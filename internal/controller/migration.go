// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/shard"
)

// DefaultMigrationsPerSecond bounds how many lists a second are written for no
// other reason than that another version of the operator computed their content
// hash in another way: about a third of what an API server on two cores takes.
const DefaultMigrationsPerSecond = 50

// migrates tells whether a planned update leaves everything in a list as it is
// but the hash, which is of another version.
func (o *listOutput) migrates(live *v1alpha1.ArtifactList, planned shard.List) bool {
	_, err := shard.ParseHash(live.Annotations[v1alpha1.AnnotationContentHash])
	return errors.Is(err, shard.ErrOtherVersion) && metav1.IsControlledBy(live, o.inv) && asWritten(live) && o.dressed(live) &&
		shard.HashEntries(live.Artifacts) == planned.Hash
}

// mayMigrate waits for the turn of one list. It returns false, at once, if that
// does not come within the sync's time: the list is left for the next sync.
func (r *Reconciler) mayMigrate(ctx context.Context) bool {
	return r.migrations.Wait(ctx) == nil
}
