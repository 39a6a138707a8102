// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Package current decides how an inventory stays current: which repositories to
// read again, because Harbor's audit log says so ([Feed]), because of their
// entries in a listing ([Compare]), or because it is their turn ([Due]). It is
// pure: it knows no client, no clock and no metric.
//
// Each of these may be wrong in one direction only. A repository that is read for
// nothing costs Harbor some requests; one that is not read is stale until another
// layer finds it, at the latest the one of [Due].
package current
