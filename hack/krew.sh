#!/usr/bin/env bash
# Copyright The harbor-inventory Authors.
# SPDX-License-Identifier: Apache-2.0
#
# Builds the kubectl plugin of a version ($1, like v1.2.3), with the linker's flags
# $2, into archives for the platforms of deploy/krew/harbor-inventory.yaml, and
# writes that manifest with the version and the archives' sums to dist/krew.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$1 flags=$2
out=dist/krew
[[ $version =~ ^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]] || {
	echo "krew: VERSION is '$version': want one like v1.2.3" >&2
	exit 2
}

rm -rf "$out"
mkdir -p "$out"
cp deploy/krew/harbor-inventory.yaml "$out/harbor-inventory.yaml"
sed -i "s/v0\.0\.0/$version/g" "$out/harbor-inventory.yaml"
for platform in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64; do
	os=${platform%/*} arch=${platform#*/}
	name=kubectl-harbor_inventory
	[ "$os" != windows ] || name=$name.exe
	stage=$(mktemp -d)
	GOOS=$os GOARCH=$arch CGO_ENABLED=0 go build -trimpath -ldflags "-s -w $flags" -o "$stage/$name" ./cmd/kubectl-harbor_inventory
	cp LICENSE "$stage"
	archive=$out/kubectl-harbor_inventory_${os}_${arch}.tar.gz
	# The same sources give the same archive.
	tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -C "$stage" -cf - LICENSE "$name" | gzip -n >"$archive"
	rm -rf "$stage"
	sum=$(sha256sum "$archive")
	sed -i "s/SHA256_${os}_${arch}/${sum%% *}/" "$out/harbor-inventory.yaml"
done
