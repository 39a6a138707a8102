#!/usr/bin/env bash
# Copyright The harbor-inventory Authors.
# SPDX-License-Identifier: Apache-2.0
#
# Gives a nested module ($1) the dependency versions of the operator's module, as
# far as the requirements of its own dependencies allow, and tidies it. A
# dependency in the same version is compiled once for both; in another version,
# it is compiled twice, and so is everything that imports it. The toolchain is
# copied for the same reason.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
cd "$1"
export GOWORK=off

modules() {
	(cd "$1" && go list "${@:2}" -m -f '{{if not (or .Main .Replace)}}{{.Path}} {{.Version}}{{end}}' all) | grep . | sort
}

# -mod=mod, because the operator may require later versions than go.mod has here.
edits=$(join <(modules "$root") <(modules . -mod=mod) | awk '$2 != $3 { print "-require=" $1 "@" $2 }')
# Where another dependency requires a later version, go mod tidy restores it.
[ -z "$edits" ] || xargs go mod edit <<<"$edits"
go mod edit -toolchain="$(awk '$1 == "toolchain" { print $2 }' "$root/go.mod")"
go mod tidy
