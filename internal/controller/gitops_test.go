// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	lua "github.com/yuin/gopher-lua"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

const gitops = "../../config/gitops/"

// argoSettings are the data of config/gitops/argocd/argocd-cm.yaml.
func argoSettings(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(gitops + "argocd/argocd-cm.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var settings corev1.ConfigMap
	if err := yaml.UnmarshalStrict(text, &settings); err != nil {
		t.Fatal(err)
	}
	return settings.Data
}

// argoHealth runs the health check as Argo CD does: in Lua, without its libraries
// for files and processes, with the object as obj; it returns a table.
func argoHealth(t *testing.T, u *unstructured.Unstructured) string {
	t.Helper()
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for _, open := range []lua.LGFunction{lua.OpenBase, lua.OpenTable, lua.OpenString} {
		open(state)
	}
	state.SetGlobal("obj", luaValue(state, u.Object))
	if err := state.DoString(argoSettings(t)["resource.customizations.health.harborinventory.io_HarborInventory"]); err != nil {
		t.Fatal(err)
	}
	health, ok := state.Get(-1).(*lua.LTable)
	if !ok || health.RawGetString("message").String() == "" {
		t.Fatalf("the health check returned %v", state.Get(-1))
	}
	return health.RawGetString("status").String()
}

func luaValue(state *lua.LState, value any) lua.LValue {
	switch value := value.(type) {
	case map[string]any:
		table := state.NewTable()
		for key, item := range value {
			table.RawSetString(key, luaValue(state, item))
		}
		return table
	case []any:
		table := state.NewTable()
		for _, item := range value {
			table.Append(luaValue(state, item))
		}
		return table
	case string:
		return lua.LString(value)
	case bool:
		return lua.LBool(value)
	case int64:
		return lua.LNumber(value)
	case float64:
		return lua.LNumber(value)
	}
	return lua.LNil
}

// Argo CD leaves what the operator writes alone, and nothing else of this group.
func TestArgoExclusions(t *testing.T) {
	t.Parallel()
	var exclusions []struct {
		APIGroups []string `json:"apiGroups"`
		Kinds     []string
		Clusters  []string
	}
	if err := yaml.UnmarshalStrict([]byte(argoSettings(t)["resource.exclusions"]), &exclusions); err != nil {
		t.Fatal(err)
	}
	if len(exclusions) != 1 || cmp.Diff([][]string{exclusions[0].APIGroups, exclusions[0].Kinds, exclusions[0].Clusters},
		[][]string{{v1alpha1.GroupVersion.Group}, {"ArtifactList", "VulnerabilityReport"}, {"*"}}) != "" {
		t.Errorf("exclusions %+v", exclusions)
	}
}

// What Argo CD and Flux do again and again: to apply, on the server, what was
// applied before changes nothing, whatever the operator has done since.
func TestApplyingTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../config/samples/v1alpha1_*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, small())
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for document := range strings.SplitSeq(string(text), "\n---\n") {
				sample := &unstructured.Unstructured{}
				if err := yaml.Unmarshal([]byte(document), &sample.Object); err != nil {
					t.Fatal(err)
				}
				if len(sample.Object) == 0 {
					continue
				}
				sample.SetNamespace(w.ns)
				w.applyTwice(sample)
			}
		})
	}
}

// applyTwice applies an object, waits until the operator has said something about
// it, and applies it again.
func (w *world) applyTwice(sample *unstructured.Unstructured) {
	w.Helper()
	if sample.GetKind() == "HarborInventory" {
		must(unstructured.SetNestedField(sample.Object, w.harbor.URL, "spec", "harbor", "url"))
		must(unstructured.SetNestedField(sample.Object, true, "spec", "harbor", "plainHTTP"))
		unstructured.RemoveNestedField(sample.Object, "spec", "harbor", "insecureSkipTLSVerify")
	}
	apply := func() []metav1.ManagedFieldsEntry {
		applied := sample.DeepCopy()
		err := kube.Apply(w.Context(), client.ApplyConfigurationFromUnstructured(applied), client.FieldOwner("gitops"), client.ForceOwnership)
		if err != nil {
			w.Fatalf("%s %s: %v", sample.GetKind(), sample.GetName(), err)
		}
		now := &unstructured.Unstructured{}
		now.SetGroupVersionKind(sample.GroupVersionKind())
		must(kube.Get(w.Context(), client.ObjectKeyFromObject(sample), now))
		var ours []metav1.ManagedFieldsEntry
		for _, entry := range now.GetManagedFields() {
			if entry.Manager == "gitops" {
				ours = append(ours, entry)
			}
		}
		if len(ours) != 1 {
			w.Errorf("%d entries of managed fields", len(ours))
		}
		return ours
	}
	before := apply()
	generation := int64(0)
	if sample.GetKind() == "HarborInventory" {
		eventually(w.T, func() string {
			if inv := w.get(sample.GetName()); len(inv.Status.Conditions) == 0 || inv.Status.Progress != nil {
				return "the operator has not said a word"
			}
			return ""
		})
		generation = w.get(sample.GetName()).Generation
	}
	if diff := cmp.Diff(before, apply()); diff != "" {
		w.Errorf("%s %s: managed fields, with their time, changed:\n%s", sample.GetKind(), sample.GetName(), diff)
	}
	if generation > 0 && w.get(sample.GetName()).Generation != generation {
		w.Errorf("%s: the second time made generation %d of %d", sample.GetName(), w.get(sample.GetName()).Generation, generation)
	}
}
