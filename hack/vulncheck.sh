#!/usr/bin/env bash
# Copyright The harbor-inventory Authors.
# SPDX-License-Identifier: Apache-2.0
#
# Compares what the code calls with the Go vulnerability database, by the
# govulncheck $1, and fails where it calls something vulnerable. The database is
# taken from the module proxy, where Go's own team keeps it as the module
# golang.org/x/vulndb, in the version VULNDB (latest): it is not pinned, because
# what has become known since is what this is for. A database older than
# VULNDB_MAX_AGE days (60) is refused.
#
# The modules looked at are those that something released comes from or is made
# by, and the benchmarks. hack/controlplane and hack/prometheus only build what
# tests run against.
set -euo pipefail
cd "$(dirname "$0")/.."
govulncheck=$1
modules=(. hack/release hack/bench)

# The Go that a release is built with, whichever runs here: the standard library
# is part of every program.
GOTOOLCHAIN=$(awk '$1 == "toolchain" { print $2 }' go.mod)
export GOTOOLCHAIN GOWORK=off

# field prints a field of the JSON that go mod download prints.
field() { sed -n "s/^\t\"$1\": \"\(.*\)\",\{0,1\}$/\1/p" <<<"$downloaded"; }

downloaded=$(go mod download -json "golang.org/x/vulndb@${VULNDB:-latest}") || {
	echo "vulncheck: the module proxy has no golang.org/x/vulndb@${VULNDB:-latest}: $(field Error)" >&2
	exit 2
}
dir=$(field Dir)/data/osv
version=$(field Version)
day=$(sed -n 's/^v.*[-.]\([0-9]\{4\}\)\([0-9]\{2\}\)\([0-9]\{2\}\)[0-9]\{6\}-.*/\1-\2-\3/p' <<<"$version")
entries=("$dir"/GO-*.json)
age=$((($(date +%s) - $(date -d "$day" +%s)) / 86400))
echo "vulnerability database: ${#entries[@]} entries of $day, $age days old (golang.org/x/vulndb@$version)"
[ "$age" -le "${VULNDB_MAX_AGE:-60}" ] || {
	echo "vulncheck: the database is older than ${VULNDB_MAX_AGE:-60} days, so this would say little; ask a module proxy that is current (GOPROXY), or raise VULNDB_MAX_AGE" >&2
	exit 2
}

# A database that is not read finds nothing either: one that is knows this one.
known=$("$govulncheck" -db "file://$dir" -mode query -json golang.org/x/text@v0.3.7)
grep -q "GO-2022-1059" <<<"$known" || {
	echo "vulncheck: $govulncheck does not find a vulnerability known since 2022 in $dir" >&2
	exit 2
}

failed=
for module in "${modules[@]}"; do
	echo "==> $module, with $GOTOOLCHAIN"
	(cd "$module" && "$govulncheck" -db "file://$dir" ./...) || failed="$failed $module"
done
[ -z "$failed" ] || {
	echo "vulncheck: vulnerable:$failed; update the dependency (go get, make tidy), or for the standard library the toolchain line of go.mod" >&2
	exit 1
}
