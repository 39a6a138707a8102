#!/usr/bin/env bash
# Copyright The harbor-inventory Authors.
# SPDX-License-Identifier: Apache-2.0
#
# Puts etcd, kube-apiserver, kubectl and gc into a directory (bin/k8s, or the
# first argument), from the first of these that can be had:
#
#   1. the directory that KUBEBUILDER_ASSETS names, when it is set
#   2. setup-envtest's download, when its index answers within a few seconds
#   3. Go modules alone
#
# gc (the garbage collector and the namespace controller) is in nobody's
# download, so it is always built here. Set CONTROLPLANE_FROM=modules to pass
# over 1 and 2. What is already there for the same pins is left alone.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
mkdir -p "${1:-$root/bin/k8s}"
dest=$(cd "${1:-$root/bin/k8s}" && pwd -P)
stamp=$dest/.stamp

# The release of setup-envtest, and of its assets. The index is setup-envtest's own.
SETUP_ENVTEST_VERSION=${SETUP_ENVTEST_VERSION:-v0.25.1}
ENVTEST_INDEX=https://raw.githubusercontent.com/kubernetes-sigs/controller-tools/HEAD/envtest-releases.yaml

# The version that the API server and kubectl report, from its one pin.
kubernetes=$(awk '$1 == "k8s.io/kubernetes" { print $2 }' "$here/go.mod")
minor=${kubernetes#v1.} minor=${minor%%.*}

say() { printf 'control plane: %s\n' "$*"; }
die() {
	printf 'control plane: %s\n' "$*" >&2
	exit 1
}

# assets prints the directory that KUBEBUILDER_ASSETS names, or nothing when it
# is unset or names what this script itself filled.
assets() {
	[ -n "${KUBEBUILDER_ASSETS:-}" ] && [ "${CONTROLPLANE_FROM:-}" != modules ] || return 0
	local dir
	dir=$(cd "$KUBEBUILDER_ASSETS" 2>/dev/null && pwd -P) ||
		die "KUBEBUILDER_ASSETS is '$KUBEBUILDER_ASSETS', which is no directory: correct it, or unset it to build from Go modules"
	[ "$dir" = "$dest" ] || printf '%s\n' "$dir"
}

# fingerprint names everything that decides what is installed.
fingerprint() {
	{
		printf '%s\n' "$given" "${CONTROLPLANE_FROM:-}" "$SETUP_ENVTEST_VERSION"
		cat "$here"/go.mod "$here"/go.sum "$here"/install.sh "$here"/main.go "$here"/{gc/gc,cmd/gc/main,multicall/multicall}.go
	} | git hash-object --stdin
}

complete() {
	local name
	for name in etcd kube-apiserver kubectl gc; do
		[ -x "$dest/$name" ] || return 1
	done
}

# link DIR makes the three components of DIR appear in $dest, or names the one
# that DIR lacks.
link() {
	local name
	for name in etcd kube-apiserver kubectl; do
		[ -x "$1/$name" ] || {
			say "$1 holds no executable $name" >&2
			return 1
		}
	done
	for name in etcd kube-apiserver kubectl; do
		ln -sfn "$1/$name" "$dest/$name"
	done
}

# build PACKAGE NAME builds one binary, and replaces an old one in one step, so
# that one in use stays whole. CGO_ENABLED and -trimpath stay as everywhere in
# this repository: otherwise the packages shared with the operator would be
# compiled twice.
build() {
	local package value flags="-s -w"
	for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
		for value in "gitVersion=$kubernetes" gitMajor=1 "gitMinor=$minor" gitTreeState=archive; do
			flags="$flags -X $package.$value"
		done
	done
	(cd "$here" && GOWORK=off go build -ldflags "$flags" -o "$dest/.$2.$$" "$1")
	mv "$dest/.$2.$$" "$dest/$2"
}

# reachable tells within a few seconds whether setup-envtest could download:
# building it costs more than a minute, so the question comes first.
reachable() {
	[ "${CONTROLPLANE_FROM:-}" != modules ] || return 1
	if command -v curl >/dev/null; then
		curl -fsSL -m 4 --connect-timeout 3 -o /dev/null "$ENVTEST_INDEX" 2>/dev/null
	elif command -v wget >/dev/null; then
		wget -q -t 1 -T 3 -O /dev/null "$ENVTEST_INDEX" 2>/dev/null
	else
		return 1
	fi
}

# bounded SECONDS COMMAND... ends a command that takes too long, where there is
# a timeout(1).
bounded() {
	local seconds=$1
	shift
	if command -v timeout >/dev/null; then timeout "$seconds" "$@"; else "$@"; fi
}

# download has setup-envtest fetch the assets, and links them.
download() {
	local tool=$root/bin/setup-envtest-$SETUP_ENVTEST_VERSION dir
	if [ ! -x "$tool" ]; then
		GOBIN=$root/bin GOWORK=off go install "sigs.k8s.io/controller-runtime/tools/setup-envtest@$SETUP_ENVTEST_VERSION" &&
			mv "$root/bin/setup-envtest" "$tool" || return 1
	fi
	dir=$(bounded 300 "$tool" use "1.$minor.x" --bin-dir "$root/bin/envtest" -p path) || return 1
	link "$dir"
}

# from_modules builds everything as one binary.
from_modules() {
	local cores name
	cores=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
	say "building Kubernetes $kubernetes and etcd from Go modules, once: about $(((900 / cores + 30) / 60)) min on $cores cores with a cold build cache"
	build . controlplane
	for name in etcd kube-apiserver kubectl gc; do
		ln -sfn controlplane "$dest/$name"
	done
}

given=$(assets)
want=$(fingerprint)
if complete && [ "$(cat "$stamp" 2>/dev/null)" = "$want" ]; then
	exit 0
fi

rm -f "$stamp"
trap 'rm -f "$dest"/.*."$$"' EXIT
if [ -n "$given" ]; then
	say "taking etcd, kube-apiserver and kubectl from KUBEBUILDER_ASSETS, building gc"
	link "$given" || die "correct KUBEBUILDER_ASSETS, or unset it to build from Go modules"
	build ./cmd/gc gc
elif reachable && say "fetching Kubernetes 1.$minor with setup-envtest, building gc" && download; then
	build ./cmd/gc gc
else
	from_modules
fi
printf '%s\n' "$want" >"$stamp"
say "ready in $dest after ${SECONDS} s"
