#!/usr/bin/env bash
# Copyright The harbor-inventory Authors.
# SPDX-License-Identifier: Apache-2.0
#
# Generates anew whatever is generated, and fails with the difference when that
# changed a file. The files stay as generated: they only need committing.
set -euo pipefail
cd "$(dirname "$0")/.."

generated=(api config/crd/bases config/rbac/role.yaml config/namespaced/tenant/role.yaml charts/harbor-inventory/files docs/api.md)

before=$(mktemp -d)
trap 'rm -rf "$before"' EXIT
for path in "${generated[@]}"; do
	[ ! -e "$path" ] || {
		mkdir -p "$before/$(dirname "$path")"
		cp -R "$path" "$before/$path"
	}
done

"${MAKE:-make}" --no-print-directory --silent generate manifests api-docs

stale=
for path in "${generated[@]}"; do
	diff -ruN "$before/$path" "$path" || stale="$stale $path"
done
[ -z "$stale" ] || echo "verify: out of date, and generated anew now:$stale; commit them" >&2

go mod tidy -diff >/dev/null || {
	echo "verify: go.mod or go.sum is not tidy: run make tidy" >&2
	stale="$stale go.mod"
}
for nested in hack/bench hack/release; do
	(cd "$nested" && GOWORK=off go mod tidy -diff >/dev/null) || {
		echo "verify: $nested/go.mod or its go.sum is not tidy: run make tidy" >&2
		stale="$stale $nested/go.mod"
	}
done
[ -z "$stale" ]
