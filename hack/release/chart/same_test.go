// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// kinds returns the objects of a kind, by name and, where they have one, namespace.
func kinds[T any](t *testing.T, all []*unstructured.Unstructured, kind string) map[string]T {
	t.Helper()
	found := map[string]T{}
	for _, o := range all {
		if o.GetKind() != kind {
			continue
		}
		var typed T
		if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(o.Object, &typed, true); err != nil {
			t.Fatalf("%s %s: %v", kind, o.GetName(), err)
		}
		found[strings.TrimSuffix(o.GetName()+" "+o.GetNamespace(), " ")] = typed
	}
	return found
}

// TestRights holds that the roles give what those of config/rbac give, to the
// chart's ServiceAccount.
func TestRights(t *testing.T) {
	all := objects(t, rendered(t, nil))
	roles, clusterRoles := kinds[rbacv1.Role](t, all, "Role"), kinds[rbacv1.ClusterRole](t, all, "ClusterRole")
	const name = release + "-harbor-inventory"
	for file, got := range map[string]struct {
		rules  []rbacv1.PolicyRule
		labels map[string]string
	}{
		"role":                 {rules: clusterRoles[name+"-manager"].Rules},
		"metrics_auth_role":    {rules: clusterRoles[name+"-metrics-auth"].Rules},
		"metrics_reader_role":  {rules: clusterRoles[name+"-metrics-reader"].Rules},
		"leader_election_role": {rules: roles[name+"-leader-election "+namespace].Rules},
		"viewer_role":          {clusterRoles[name+"-viewer"].Rules, clusterRoles[name+"-viewer"].Labels},
		"editor_role":          {clusterRoles[name+"-editor"].Rules, clusterRoles[name+"-editor"].Labels},
		"admin_role":           {clusterRoles[name+"-admin"].Rules, clusterRoles[name+"-admin"].Labels},
	} {
		want := read[rbacv1.ClusterRole](t, filepath.Join(config, "rbac", file+".yaml"))
		if diff := cmp.Diff(want.Rules, got.rules); diff != "" {
			t.Errorf("%s: the rules differ (-config +chart):\n%s", file, diff)
		}
		for key, value := range want.Labels {
			if got.labels[key] != value {
				t.Errorf("%s: the label %s is %q, want %q", file, key, got.labels[key], value)
			}
		}
	}
	if len(clusterRoles) != 6 || len(roles) != 1 {
		t.Errorf("there are %d ClusterRoles and %d Roles, want 6 and 1", len(clusterRoles), len(roles))
	}
	account := []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: name}}
	for bound, binding := range kinds[rbacv1.ClusterRoleBinding](t, all, "ClusterRoleBinding") {
		if diff := cmp.Diff(account, binding.Subjects); diff != "" || binding.RoleRef.Name != bound {
			t.Errorf("ClusterRoleBinding %s binds %v to %s", bound, binding.Subjects, binding.RoleRef.Name)
		}
	}
}

// TestNamespaced holds that the manager has Roles only where namespaces are
// named, and in those the rights of config/rbac.
func TestNamespaced(t *testing.T) {
	all := objects(t, rendered(t, sets(t)["namespaced"]))
	for _, kind := range []string{"ClusterRole", "ClusterRoleBinding"} {
		if got := kinds[rbacv1.ClusterRole](t, all, kind); len(got) > 0 {
			t.Errorf("there is a %s: %v", kind, slices.Collect(maps.Keys(got)))
		}
	}
	want := read[rbacv1.ClusterRole](t, filepath.Join(config, "rbac/role.yaml")).Rules
	roles := kinds[rbacv1.Role](t, all, "Role")
	bindings := kinds[rbacv1.RoleBinding](t, all, "RoleBinding")
	for _, ns := range []string{"team-a", "team-b"} {
		name := release + "-harbor-inventory-manager " + ns
		if diff := cmp.Diff(want, roles[name].Rules); diff != "" {
			t.Errorf("%s: the rules differ (-config +chart):\n%s", name, diff)
		}
		if subjects := bindings[name].Subjects; len(subjects) != 1 || subjects[0].Namespace != namespace {
			t.Errorf("%s binds %v", name, subjects)
		}
	}
}

// TestPod holds that the manager runs as config/manager has it: the same rights
// on its node, probes, resources, and the same arguments before the chart's own.
func TestPod(t *testing.T) {
	want := read[appsv1.Deployment](t, filepath.Join(config, "manager/manager.yaml")).Spec.Template.Spec
	got := kinds[appsv1.Deployment](t, objects(t, rendered(t, nil)), "Deployment")[release+"-harbor-inventory "+namespace].Spec.Template.Spec
	if len(got.Containers) != 1 {
		t.Fatalf("there are %d containers", len(got.Containers))
	}
	ours, theirs := &got.Containers[0], &want.Containers[0]
	for _, arg := range theirs.Args {
		if !slices.Contains(ours.Args, arg) {
			t.Errorf("the arguments %q lack %s", ours.Args, arg)
		}
	}
	ports := func(c *corev1.Container) (numbers []int32) {
		for _, p := range c.Ports {
			numbers = append(numbers, p.ContainerPort)
		}
		slices.Sort(numbers)
		return numbers
	}
	if diff := cmp.Diff(ports(theirs), ports(ours)); diff != "" {
		t.Errorf("the ports differ (-config +chart):\n%s", diff)
	}
	got.ServiceAccountName = want.ServiceAccountName
	ours.Image, ours.ImagePullPolicy, ours.Args, ours.Ports = theirs.Image, theirs.ImagePullPolicy, theirs.Args, theirs.Ports
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the Pods differ (-config +chart):\n%s", diff)
	}
}

// TestDefinitions holds that the CustomResourceDefinitions are those of
// config/crd, and that Helm keeps them unless told otherwise.
func TestDefinitions(t *testing.T) {
	for name, c := range map[string]struct {
		values map[string]any
		policy string
	}{
		"kept":     {nil, "keep"},
		"not kept": {map[string]any{"crds": map[string]any{"keep": false}}, ""},
	} {
		got := kinds[apiextensionsv1.CustomResourceDefinition](t, objects(t, rendered(t, c.values)), "CustomResourceDefinition")
		files, err := filepath.Glob(filepath.Join(config, "crd/bases/*.yaml"))
		if err != nil || len(files) != len(got) || len(got) == 0 {
			t.Fatalf("%s: %d definitions for %d files, %v", name, len(got), len(files), err)
		}
		for _, file := range files {
			want := read[apiextensionsv1.CustomResourceDefinition](t, file)
			crd := got[want.Name]
			if crd.Annotations["helm.sh/resource-policy"] != c.policy {
				t.Errorf("%s: %s has the annotations %v", name, want.Name, crd.Annotations)
			}
			if diff := cmp.Diff(want.Spec, crd.Spec); diff != "" {
				t.Errorf("%s: %s differs (-config +chart):\n%s", name, want.Name, diff)
			}
		}
	}
}

// TestDocumented holds that the README has a row for each value and for nothing
// else, with its default.
func TestDocumented(t *testing.T) {
	values := map[string]any{}
	flatten("", read[map[string]any](t, filepath.Join(dir, "values.yaml")), values)
	text, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if cells := strings.Split(line, " | "); strings.HasPrefix(line, "| `") && len(cells) == 3 {
			rows[strings.Trim(cells[0], "|` ")] = strings.Trim(cells[1], "`")
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(values)), slices.Sorted(maps.Keys(rows))); diff != "" {
		t.Errorf("rows differ (-values.yaml +README.md):\n%s", diff)
	}
	for name, value := range values {
		if strings.HasPrefix(rows[name], "as ") {
			continue // told in words
		}
		var written any
		if err := json.Unmarshal([]byte(rows[name]), &written); err != nil || !cmp.Equal(written, value) {
			t.Errorf("%s: the default is %v, the README says %s", name, fmt.Sprint(value), rows[name])
		}
	}
}

// whole are values that are maps and one row all the same.
var whole = []string{
	"resources", "podSecurityContext", "securityContext", "metrics.serviceMonitor.tlsConfig",
}

// flatten collects values by their paths.
func flatten(path string, value any, into map[string]any) {
	m, ok := value.(map[string]any)
	if !ok || path != "" && len(m) == 0 || slices.Contains(whole, path) {
		into[path] = value
		return
	}
	for name, v := range m {
		flatten(strings.TrimPrefix(path+"."+name, "."), v, into)
	}
}
