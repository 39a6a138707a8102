// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

// prefix is that of config/default.
const prefix = "harbor-inventory-"

//go:embed base.yaml
var base []byte

const annotations = `annotations:
  operators.operatorframework.io.bundle.mediatype.v1: registry+v1
  operators.operatorframework.io.bundle.manifests.v1: manifests/
  operators.operatorframework.io.bundle.metadata.v1: metadata/
  operators.operatorframework.io.bundle.package.v1: harbor-inventory
  operators.operatorframework.io.bundle.channels.v1: candidate-v0
  operators.operatorframework.io.bundle.channel.default.v1: candidate-v0
`

// source reads config/, and remembers the first thing that went wrong.
type source struct {
	root string
	err  error
}

func (s *source) text(path string) []byte {
	text, err := os.ReadFile(filepath.Join(s.root, "config", path))
	if err != nil && s.err == nil {
		s.err = err
	}
	return text
}

func (s *source) read(path string, into any) {
	if err := yaml.UnmarshalStrict(s.text(path), into); err != nil && s.err == nil {
		s.err = fmt.Errorf("config/%s: %w", path, err)
	}
}

func (s *source) rules(role string) []rbacv1.PolicyRule {
	var r rbacv1.ClusterRole
	s.read("rbac/"+role+".yaml", &r)
	return r.Rules
}

// definitions returns what a catalog is told of the CustomResourceDefinitions, and
// adds them to the files.
func (s *source) definitions(files map[string][]byte) (owned []any) {
	paths, err := filepath.Glob(filepath.Join(s.root, "config/crd/bases/*.yaml"))
	if err != nil || len(paths) == 0 {
		s.err = fmt.Errorf("config/crd/bases has no definitions: %w", err)
	}
	for _, path := range paths {
		file := filepath.Base(path)
		var crd apiextensionsv1.CustomResourceDefinition
		s.read("crd/bases/"+file, &crd)
		files["manifests/"+file] = s.text("crd/bases/" + file)
		for _, v := range crd.Spec.Versions {
			// The first sentence of the type's documentation.
			description, _, _ := strings.Cut(strings.Join(strings.Fields(v.Schema.OpenAPIV3Schema.Description), " "), ". ")
			owned = append(owned, map[string]any{
				"name": crd.Name, "kind": crd.Spec.Names.Kind, "version": v.Name,
				"displayName": crd.Spec.Names.Kind, "description": strings.TrimSuffix(description, ".") + ".",
			})
		}
	}
	return owned
}

// bundle returns the files of the bundle by their names.
func bundle(root, version, image string) (map[string][]byte, error) {
	s := &source{root: root}
	files := map[string][]byte{"metadata/annotations.yaml": []byte(annotations)}
	owned := s.definitions(files)
	for _, role := range []string{"viewer", "editor", "admin", "metrics_reader"} {
		var r rbacv1.ClusterRole
		s.read("rbac/"+role+"_role.yaml", &r)
		r.Name = prefix + r.Name
		files["manifests/"+role+"_role.yaml"] = s.marshal(&r)
	}
	var service corev1.Service
	s.read("manager/metrics_service.yaml", &service)
	service.Name, service.Namespace = prefix+service.Name, ""
	files["manifests/metrics_service.yaml"] = s.marshal(&service)
	files["manifests/harbor-inventory.clusterserviceversion.yaml"] = s.marshal(s.csv(version, image, owned))
	return files, s.err
}

func (s *source) marshal(o any) []byte {
	text, err := yaml.Marshal(o)
	if err != nil && s.err == nil {
		s.err = err
	}
	return text
}

// csv returns base.yaml with what is made of config/.
func (s *source) csv(version, image string, owned []any) map[string]any {
	var csv struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Metadata   struct {
			Name        string            `json:"name"`
			Annotations map[string]string `json:"annotations"`
		} `json:"metadata"`
		Spec map[string]any `json:"spec"`
	}
	if err := yaml.UnmarshalStrict(base, &csv); err != nil {
		s.err = err
		return nil
	}
	csv.Metadata.Name = "harbor-inventory.v" + version
	csv.Metadata.Annotations["alm-examples"] = s.examples()
	csv.Metadata.Annotations["containerImage"] = image
	csv.Spec["version"] = version
	csv.Spec["customresourcedefinitions"] = map[string]any{"owned": owned}
	deployment := s.deployment(image)
	account := deployment.Spec.Template.Spec.ServiceAccountName
	permissions := func(rules ...rbacv1.PolicyRule) []any {
		return []any{map[string]any{"serviceAccountName": account, "rules": rules}}
	}
	csv.Spec["install"] = map[string]any{
		"strategy": "deployment",
		"spec": map[string]any{
			// Roles in the namespaces that are named, and a ClusterRole where none is.
			"permissions":        permissions(append(s.rules("role"), s.rules("leader_election_role")...)...),
			"clusterPermissions": permissions(s.rules("metrics_auth_role")...),
			"deployments":        []any{map[string]any{"name": deployment.Name, "label": deployment.Labels, "spec": deployment.Spec}},
		},
	}
	return map[string]any{"apiVersion": csv.APIVersion, "kind": csv.Kind, "metadata": csv.Metadata, "spec": csv.Spec}
}

// examples returns the inventories of a sample as a list in JSON.
func (s *source) examples() string {
	var all []map[string]any
	for document := range strings.SplitSeq(string(s.text("samples/v1alpha1_harborinventory.yaml")), "\n---\n") {
		var o map[string]any
		if err := yaml.UnmarshalStrict([]byte(document), &o); err != nil && s.err == nil {
			s.err = err
		}
		if o["kind"] == "HarborInventory" {
			all = append(all, o)
		}
	}
	text, err := json.Marshal(all)
	if err != nil && s.err == nil {
		s.err = err
	}
	return string(text)
}

// deployment is config/manager's, for the namespaces that its annotation names.
func (s *source) deployment(image string) *appsv1.Deployment {
	var d appsv1.Deployment
	s.read("manager/manager.yaml", &d)
	if len(d.Spec.Template.Spec.Containers) != 1 {
		s.err = fmt.Errorf("config/manager/manager.yaml has %d containers, want one", len(d.Spec.Template.Spec.Containers))
		return &d
	}
	d.Name, d.Spec.Template.Spec.ServiceAccountName = prefix+d.Name, prefix+d.Spec.Template.Spec.ServiceAccountName
	c := &d.Spec.Template.Spec.Containers[0]
	c.Image = image
	c.Args = append(c.Args, "--namespaces=$(TARGET_NAMESPACES)")
	c.Env = append(c.Env, corev1.EnvVar{Name: "TARGET_NAMESPACES", ValueFrom: &corev1.EnvVarSource{
		FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.annotations['olm.targetNamespaces']"},
	}})
	return &d
}
