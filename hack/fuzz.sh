#!/usr/bin/env bash
# Copyright The harbor-inventory Authors.
# SPDX-License-Identifier: Apache-2.0
#
# Runs every fuzz target of the module for FUZZTIME (10s), one after another,
# and fails when one of them failed: go test runs only one target at a time.
set -euo pipefail
cd "$(dirname "$0")/.."

failed=
while IFS=: read -r file line; do
	name=${line#func } name=${name%%(*}
	printf '%s in %s\n' "$name" "$(dirname "$file")"
	go test -run '^$' -fuzz "^$name\$" -fuzztime "${FUZZTIME:-10s}" "./$(dirname "$file")" || failed="$failed $name"
done < <(git ls-files --cached --others --exclude-standard -- '*_test.go' ':!hack/controlplane' ':!hack/bench' | xargs grep -H '^func Fuzz')

[ -z "$failed" ] || {
	echo "failed:$failed" >&2
	exit 1
}
