// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Command gc is the gc of the control plane alone, for use beside an etcd and
// a kube-apiserver that came from elsewhere.
package main

import (
	"os"

	"github.com/harbor-inventory/harbor-inventory/hack/controlplane/gc"
)

func main() { os.Exit(gc.Main()) }
