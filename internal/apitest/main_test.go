// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package apitest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

const (
	crdDirectory = "../../config/crd/bases"

	// goldenVersion is the API server that wrote the golden files.
	goldenVersion = "Kubernetes 1.37"
)

var update = flag.Bool("update", false, "write the golden files anew instead of comparing with them")

// config reaches the API server that TestMain started, with both CRDs installed.
var config *rest.Config

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "apitest:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	assets := os.Getenv("KUBEBUILDER_ASSETS")
	if !filepath.IsAbs(assets) {
		return 1, fmt.Errorf("KUBEBUILDER_ASSETS is %q: it must be the absolute path of a directory with etcd and kube-apiserver; run make test, or make controlplane and set it to $PWD/bin/k8s", assets)
	}
	env := &envtest.Environment{
		CRDDirectoryPaths:     []string{crdDirectory},
		ErrorIfCRDPathMissing: true,
	}
	config, err = env.Start()
	defer func() { err = errors.Join(err, env.Stop()) }()
	if err != nil {
		return 1, fmt.Errorf("starting the API server and installing the CRDs: %w", err)
	}
	config.QPS = -1 // no client-side limit
	return m.Run(), nil
}

// newNamespace makes a namespace that only this test uses. The API server of
// envtest has no controller that would delete it again.
func newNamespace(t *testing.T) string {
	t.Helper()
	clientset, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	ns, err := clientset.CoreV1().Namespaces().Create(context.Background(),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "apitest-"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return ns.Name
}

// golden compares got with the file testdata/name, or writes it there with -update.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s differs; it holds the words of %s; run with -update when the change is meant (-want +got):\n%s", path, goldenVersion, diff)
	}
}
