// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

const (
	root    = "../../.."
	version = "0.0.1"
	image   = "ghcr.io/harbor-inventory/harbor-inventory:latest"
)

// TestBundle holds that the directory bundle is what make olm-bundle makes.
func TestBundle(t *testing.T) {
	files, err := bundle(root, version, image)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(root, "bundle")
	found := 0
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		found++
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		if diff := cmp.Diff(string(files[name]), string(text)); diff != "" {
			t.Errorf("%s is out of date: run make olm-bundle (-made +there)\n%s", name, diff)
		}
		return err
	})
	if err != nil || found != len(files) {
		t.Errorf("there are %d files, want %d: %v", found, len(files), err)
	}
}

// serviceVersion is what the Operator Lifecycle Manager reads of a
// ClusterServiceVersion to install the operator (operators.coreos.com/v1alpha1).
type serviceVersion struct {
	Metadata struct {
		Name        string
		Annotations map[string]string
	}
	Spec struct {
		Version                   string
		CustomResourceDefinitions struct {
			Owned []struct{ Name, Kind, Version, DisplayName, Description string }
		}
		Install struct {
			Strategy string
			Spec     struct {
				Permissions, ClusterPermissions []struct {
					ServiceAccountName string
					Rules              []rbacv1.PolicyRule
				}
				Deployments []struct {
					Name  string
					Label map[string]string
					Spec  appsv1.DeploymentSpec
				}
			}
		}
	}
}

// TestServiceVersion holds that the ClusterServiceVersion gives the rights of
// config/rbac and no others, owns what config/crd defines, and runs what
// config/manager does.
func TestServiceVersion(t *testing.T) {
	files, err := bundle(root, version, image)
	if err != nil {
		t.Fatal(err)
	}
	var csv serviceVersion
	if err := yaml.Unmarshal(files["manifests/harbor-inventory.clusterserviceversion.yaml"], &csv); err != nil {
		t.Fatal(err)
	}
	s := &source{root: root}
	install := csv.Spec.Install.Spec
	if len(install.Permissions) != 1 || len(install.ClusterPermissions) != 1 || len(install.Deployments) != 1 {
		t.Fatalf("permissions %v and %v, %d Deployments", install.Permissions, install.ClusterPermissions, len(install.Deployments))
	}
	if diff := cmp.Diff(slices.Concat(s.rules("role"), s.rules("leader_election_role")), install.Permissions[0].Rules); diff != "" {
		t.Errorf("permissions (-config +bundle):\n%s", diff)
	}
	if diff := cmp.Diff(s.rules("metrics_auth_role"), install.ClusterPermissions[0].Rules); diff != "" {
		t.Errorf("clusterPermissions (-config +bundle):\n%s", diff)
	}
	pod := install.Deployments[0].Spec.Template.Spec
	if pod.ServiceAccountName != install.Permissions[0].ServiceAccountName || pod.ServiceAccountName != install.ClusterPermissions[0].ServiceAccountName {
		t.Errorf("the Pod runs as %s, the rights are for %v", pod.ServiceAccountName, install.Permissions)
	}
	var deployment appsv1.Deployment
	s.read("manager/manager.yaml", &deployment)
	if diff := cmp.Diff(deployment.Spec.Template.Spec.SecurityContext, pod.SecurityContext); diff != "" || pod.Containers[0].Image != image {
		t.Errorf("the Pod differs: image %s (-config +bundle)\n%s", pod.Containers[0].Image, diff)
	}
	for _, owned := range csv.Spec.CustomResourceDefinitions.Owned {
		plural, _, _ := strings.Cut(owned.Name, ".")
		definition := "manifests/" + v1alpha1.GroupVersion.Group + "_" + plural + ".yaml"
		if owned.Version != v1alpha1.GroupVersion.Version || owned.Description == "" || files[definition] == nil {
			t.Errorf("it owns %v, without a definition or without a word about it", owned)
		}
	}
	if got, want := len(csv.Spec.CustomResourceDefinitions.Owned), definitions(t); got != want {
		t.Errorf("it owns %d kinds, config/crd defines %d", got, want)
	}
	var examples []v1alpha1.HarborInventory
	if err := json.Unmarshal([]byte(csv.Metadata.Annotations["alm-examples"]), &examples); err != nil || len(examples) != 1 || examples[0].Spec.Harbor.URL == "" {
		t.Errorf("the examples are %v: %v", examples, err)
	}
	if s.err != nil || csv.Metadata.Name != "harbor-inventory.v"+csv.Spec.Version || !strings.HasPrefix(csv.Spec.Version, version) {
		t.Errorf("the name is %s, the version %s: %v", csv.Metadata.Name, csv.Spec.Version, s.err)
	}
}

func definitions(t *testing.T) int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "config/crd/bases/*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no definitions: %v", err)
	}
	return len(files)
}
