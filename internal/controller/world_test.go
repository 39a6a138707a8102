// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// world is a Harbor and a namespace with an inventory of it.
type world struct {
	*testing.T
	registry *harbortest.Registry
	harbor   *harbortest.Server
	ns       string
	secret   string // value of the password
}

const robot = "robot$inventory"

// canary is the robot's password: nothing that the operator writes may hold it.
const canary = "c4nary-passw0rd"

// errorText is in every answer of a simulated Harbor that is no success: nothing
// that the operator writes may hold it.
const errorText = "c4nary-err0r-text"

func newWorld(t *testing.T, registry *harbortest.Registry) *world {
	t.Helper()
	must(registry.SetSecret(robot, canary))
	w := &world{
		T: t, registry: registry, ns: namespace(t), secret: canary,
		harbor: harbortest.NewServer(t, registry, harbortest.Options{ErrorText: errorText}),
	}
	w.putSecret("robot", robot, w.secret)
	return w
}

func (w *world) putSecret(name, username, password string) {
	w.Helper()
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.ns, Name: name},
		Type:       corev1.SecretTypeBasicAuth,
		StringData: map[string]string{"username": username, "password": password},
	}
	err := kube.Create(w.Context(), secret)
	if err != nil && client.IgnoreAlreadyExists(err) == nil {
		err = kube.Update(w.Context(), secret)
	}
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) deleteSecret(name string) {
	w.Helper()
	if err := kube.Delete(w.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.ns, Name: name}}); err != nil {
		w.Fatal(err)
	}
}

// inventory makes a HarborInventory of everything, changed as asked for.
func (w *world) inventory(name string, change ...func(*v1alpha1.HarborInventorySpec)) *v1alpha1.HarborInventory {
	w.Helper()
	inv := &v1alpha1.HarborInventory{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.ns, Name: name},
		Spec: v1alpha1.HarborInventorySpec{
			Harbor: v1alpha1.HarborEndpoint{
				URL: w.harbor.URL, PlainHTTP: true, CredentialsSecretRef: &v1alpha1.LocalObjectReference{Name: "robot"},
			},
			Interval: metav1.Duration{Duration: time.Hour},
			Timeout:  metav1.Duration{Duration: 5 * time.Minute},
		},
	}
	for _, c := range change {
		c(&inv.Spec)
	}
	if err := kube.Create(w.Context(), inv); err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = kube.Delete(context.Background(), inv) }) // the test's own context has ended by then
	return inv
}

func (w *world) get(name string) *v1alpha1.HarborInventory {
	w.Helper()
	inv := &v1alpha1.HarborInventory{}
	if err := kube.Get(w.Context(), client.ObjectKey{Namespace: w.ns, Name: name}, inv); err != nil {
		w.Fatal(err)
	}
	return inv
}

// condition waits for a condition and returns the inventory that has it.
// want is like "Ready=True" or "Ready=False AuthenticationFailed".
func (w *world) condition(name string, want ...string) *v1alpha1.HarborInventory {
	w.Helper()
	var inv *v1alpha1.HarborInventory
	eventually(w.T, func() string {
		inv = w.get(name)
		if inv.Status.ObservedGeneration != inv.Generation {
			return "the newest generation has not been observed"
		}
		for _, text := range want {
			if !slices.Contains(conditions(inv), strings.Fields(text)[0]) && !slices.Contains(conditions(inv), text) {
				return fmt.Sprintf("no condition %s, but %v: %s", text, conditions(inv), messages(inv))
			}
			if strings.Contains(text, " ") && !slices.Contains(conditions(inv), text) {
				return fmt.Sprintf("no condition %s, but %v: %s", text, conditions(inv), messages(inv))
			}
		}
		return ""
	})
	return inv
}

// conditions renders each condition with and without its reason.
func conditions(inv *v1alpha1.HarborInventory) []string {
	var all []string
	for _, c := range inv.Status.Conditions {
		short := fmt.Sprintf("%s=%s", c.Type, c.Status)
		all = append(all, short, short+" "+c.Reason)
	}
	return all
}

func messages(inv *v1alpha1.HarborInventory) string {
	var all []string
	for _, c := range inv.Status.Conditions {
		all = append(all, c.Type+": "+c.Message)
	}
	return strings.Join(all, "; ")
}

func message(inv *v1alpha1.HarborInventory, condition string) string {
	if c := apimeta.FindStatusCondition(inv.Status.Conditions, condition); c != nil {
		return c.Message
	}
	return ""
}

// request asks for a sync and waits until it has been handled.
func (w *world) request(name string) *v1alpha1.HarborInventory {
	w.Helper()
	value := time.Now().Format(time.RFC3339Nano)
	inv := w.get(name)
	before := inv.DeepCopy()
	inv.Annotations = map[string]string{v1alpha1.AnnotationRequestedAt: value}
	if err := kube.Patch(w.Context(), inv, client.MergeFrom(before)); err != nil {
		w.Fatal(err)
	}
	eventually(w.T, func() string {
		if inv = w.get(name); inv.Status.LastHandledReconcileAt != value {
			return "the request has not been handled: " + messages(inv)
		}
		return ""
	})
	return inv
}

func (w *world) lists(name string) []v1alpha1.ArtifactList {
	w.Helper()
	var lists v1alpha1.ArtifactListList
	if err := kube.List(w.Context(), &lists, client.InNamespace(w.ns), client.MatchingLabels{v1alpha1.LabelInventory: name}); err != nil {
		w.Fatal(err)
	}
	return lists.Items
}

// shown renders what the lists of an inventory hold: "repository@digest [tags]", sorted.
func (w *world) shown(name string) []string {
	w.Helper()
	lines := []string{}
	for _, l := range w.lists(name) {
		for _, a := range l.Artifacts {
			lines = append(lines, line(l.Repository, a.Digest, a.Tags))
		}
	}
	slices.Sort(lines)
	return lines
}

// held renders what Harbor lists now, in the form of shown.
func (w *world) held(projects ...string) []string {
	artifacts, _ := w.registry.Listed(projects...)
	lines := []string{}
	for _, a := range artifacts {
		lines = append(lines, line(a.Repository, a.Digest, a.Tags))
	}
	slices.Sort(lines)
	return lines
}

func line(repository, digest string, tags []string) string {
	sorted := slices.Clone(tags)
	slices.Sort(sorted)
	return fmt.Sprintf("%s@%s [%s]", repository, digest, strings.Join(sorted, " "))
}

func (w *world) equal(want, got []string) {
	w.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		w.Errorf("wanted (-), shown (+):\n%s", diff)
	}
}

// small is a registry with one public and one private project.
func small() *harbortest.Registry {
	reg := harbortest.New()
	must(reg.CreateProject("team", false))
	reg.AddRobot(harbortest.Robot{Name: "inventory", Secret: canary})
	for _, tag := range []string{"1.0", "1.1", "1.2"} {
		reg.Push("library/nginx", harbortest.Image{Tags: []string{tag}})
		reg.Push("team/app", harbortest.Image{Tags: []string{tag, "v" + tag}})
	}
	reg.Push("team/app", harbortest.Image{})
	reg.Push("team/tools/cli", harbortest.Image{Tags: []string{"latest"}})
	return reg
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func secretKind() client.Object { return &corev1.Secret{} }
