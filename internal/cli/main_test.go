// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

var update = flag.Bool("update", false, "write the answers of the commands into docs/kubectl-plugin.md and testdata")

// Of the API server that the tests run against.
var (
	kubeconfig string // of an administrator, with the namespace registries
	config     *rest.Config
)

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "cli:", err)
		code = 1
	}
	os.Exit(code)
}

func runTests(m *testing.M) (code int, err error) {
	if flag.Lookup("test.fuzz").Value.String() != "" { // a target needs no API server, least of all each of its workers
		return m.Run(), nil
	}
	assets := os.Getenv("KUBEBUILDER_ASSETS")
	if !filepath.IsAbs(assets) {
		return 1, fmt.Errorf("KUBEBUILDER_ASSETS is %q: it must be the absolute path of a directory with etcd and kube-apiserver; run make test, or make controlplane and set it to $PWD/bin/k8s", assets)
	}
	env := &envtest.Environment{CRDDirectoryPaths: []string{"../../config/crd/bases"}, ErrorIfCRDPathMissing: true}
	config, err = env.Start()
	defer func() { err = errors.Join(err, env.Stop()) }()
	if err != nil {
		return 1, fmt.Errorf("starting the API server and installing the CRDs: %w", err)
	}
	config.QPS = -1 // no client-side limit
	dir, err := os.MkdirTemp("", "cli")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	kubeconfig = filepath.Join(dir, "kubeconfig")
	if err := writeKubeconfig(env); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

func writeKubeconfig(env *envtest.Environment) error {
	admin, err := env.AddUser(envtest.User{Name: "admin", Groups: []string{"system:masters"}}, nil)
	if err != nil {
		return err
	}
	text, err := admin.KubeConfig()
	if err != nil {
		return err
	}
	loaded, err := clientcmd.Load(text)
	if err != nil {
		return err
	}
	for _, context := range loaded.Contexts {
		context.Namespace = mainNamespace
	}
	return clientcmd.WriteToFile(*loaded, kubeconfig)
}
