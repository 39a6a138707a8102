// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Command controlplane is etcd, kube-apiserver, kubectl and gc in one binary,
// so that a machine with nothing but Go and the module proxy gets a real
// control plane, and its shared packages are compiled and linked once.
//
// It runs the component that its own file name names, which is what links in
// the directory named by KUBEBUILDER_ASSETS want, or else the one that its
// first argument names:
//
//	etcd --version
//	controlplane etcd --version
package main

import (
	"fmt"
	"os"
	"path/filepath"
	_ "time/tzdata" // the API server validates the time zones of CronJobs

	"go.etcd.io/etcd/server/v3/etcdmain"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // this and the next as k8s.io/kubernetes links them
	"k8s.io/component-base/cli"
	"k8s.io/component-base/logs"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	"k8s.io/kubectl/pkg/cmd"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"

	"github.com/harbor-inventory/harbor-inventory/hack/controlplane/gc"
	"github.com/harbor-inventory/harbor-inventory/hack/controlplane/multicall"
)

// components holds what each name runs and the exit code that it gives.
// os.Args is then as the component's own binary would see it.
var components = map[string]func() int{
	"etcd": func() int {
		etcdmain.Main(os.Args)

		return 0
	},
	"kube-apiserver": func() int { return cli.Run(app.NewAPIServerCommand()) },
	"kubectl":        kubectl,
	"gc":             gc.Main,
}

func main() {
	name, args, ok := multicall.Choose(components, os.Args)
	if !ok {
		fmt.Fprintf(os.Stderr, "usage: %s {etcd|kube-apiserver|kubectl|gc} [arguments]\n", filepath.Base(os.Args[0]))
		os.Exit(2)
	}
	os.Args = args
	os.Exit(components[name]())
}

// kubectl does what k8s.io/kubernetes/cmd/kubectl does.
func kubectl() int {
	// The level is needed before cobra parses the flags: plug-ins and kuberc
	// are handled while the command is built.
	_, _ = logs.GlogSetter(cmd.GetLogVerbosity(os.Args))
	if err := cli.RunNoErrOutput(cmd.NewDefaultKubectlCommand()); err != nil {
		cmdutil.CheckErr(err) // prints the error and exits
	}

	return 0
}
