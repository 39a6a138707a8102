// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/hack/cluster"
	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// hostile is an input as hostile.yaml has it.
type hostile struct {
	Group, Input string
	// Spec is merged into that of an inventory which can be read; of a URL, Input
	// is it.
	Spec map[string]any
	// Secret is the credentials', Bundle the CA bundle, TLS the client certificate,
	// Answer what the server does, Make something too long for a table.
	Secret map[string]string
	Bundle *string
	TLS    string
	Answer string
	Make   string
	// Outcome is refused, Ready, or Stalled, Not Ready or Failure with a reason.
	Outcome string
	// Says is a part of the message.
	Says string
}

// canaries: no status, event or line of the log may hold them.
var canaries = []string{"h0stile", "X-Evil", "c4nary", "p4ss-in-url"}

const hostileSpace = "hostile"

// TestHostileInputs tries every input at the same time: with an operator that
// allows what it does by default, and one that allows the simulators.
func TestHostileInputs(t *testing.T) {
	text, err := os.ReadFile("hostile.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var inputs []hostile
	if err := yaml.UnmarshalStrict(text, &inputs); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	h := startHostile(ctx, t)
	urls := make([]string, len(inputs))
	for i, input := range inputs {
		urls[i] = serveHostile(t, input.Answer)
	}
	for i, input := range inputs {
		t.Run(input.Group+"/"+input.Input, func(t *testing.T) {
			h.try(ctx, t, fmt.Sprintf("hostile-%d", i), input, urls[i])
		})
	}
	t.Run("outcome", func(t *testing.T) {
		for i, input := range inputs {
			if input.Outcome != "refused" {
				t.Run(input.Group+"/"+input.Input, func(t *testing.T) {
					t.Parallel()
					h.await(ctx, t, fmt.Sprintf("hostile-%d", i), input)
				})
			}
		}
	})
	h.search(ctx, t)
}

type hostileBed struct {
	cluster  *cluster.Cluster
	managers []*cluster.Manager
	tls      *harbortest.Server
}

func startHostile(ctx context.Context, t *testing.T) *hostileBed {
	t.Helper()
	h := &hostileBed{}
	var err error
	if h.cluster, err = cluster.Start(ctx, ".."); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := h.cluster.Namespace(ctx, hostileSpace, "robot$inventory", "secret"); err != nil {
		t.Fatal(err)
	}
	kubeconfig, err := h.cluster.Kubeconfig("")
	if err != nil {
		t.Fatal(err)
	}
	for _, flags := range [][]string{
		{"--watch-label-selector=trust=default", "--allowed-harbor-cidrs=", "--allow-plain-http=false"},
		{"--watch-label-selector=trust=simulators"},
	} {
		m, err := h.cluster.StartManager(ctx, kubeconfig, nil, append(flags, "--max-concurrent-reconciles=100", "--max-connections-per-harbor=100")...)
		if err != nil {
			t.Fatal(err)
		}
		h.managers = append(h.managers, m)
	}
	h.tls = harbortest.NewServer(t, hostileRegistry(), harbortest.Options{TLS: true})
	return h
}

func hostileRegistry() *harbortest.Registry {
	registry := harbortest.New()
	registry.AddRobot(harbortest.Robot{Name: "inventory", Secret: "secret"})
	registry.Push("library/nginx", harbortest.Image{Tags: []string{"1.0"}})
	registry.Push("library/fine", harbortest.Image{Tags: []string{"1.0"}})
	return registry
}

// try creates the inventory of an input, and what it needs.
func (h *hostileBed) try(ctx context.Context, t *testing.T, name string, input hostile, simulator string) {
	t.Helper()
	endpoint := map[string]any{"credentialsSecretRef": map[string]any{"name": "robot"}}
	spec := map[string]any{"harbor": endpoint, "timeout": "3m"}
	trust := "simulators"
	switch input.Group {
	case "URL":
		trust, endpoint["url"] = "default", input.Input
	case "CA bundle":
		endpoint["url"], endpoint["caBundleRef"] = h.tls.URL, map[string]any{"name": name}
	default:
		endpoint["url"], endpoint["plainHTTP"] = simulator, true
	}
	for _, o := range h.needs(t, name, input, endpoint) {
		o.SetNamespace(hostileSpace)
		o.SetName(name)
		if err := h.cluster.Client.Create(ctx, o); err != nil {
			t.Fatal(err)
		}
	}
	merge(spec, input.Spec)
	inv := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": v1alpha1.GroupVersion.String(), "kind": "HarborInventory", "spec": spec,
		"metadata": map[string]any{"namespace": hostileSpace, "name": name, "labels": map[string]any{"trust": trust}},
	}}
	err := h.cluster.Client.Create(ctx, inv)
	switch {
	case input.Outcome != "refused" && err != nil:
		t.Fatal(err)
	case input.Outcome == "refused" && (err == nil || !strings.Contains(err.Error(), input.Says)):
		t.Errorf("%v, want %q in it", err, input.Says)
	case input.Outcome == "refused" && holds(err.Error()) != "" && input.Group != "URL":
		t.Errorf("the API server repeats %q", holds(err.Error()))
	}
}

// needs are the objects that the inventory refers to.
func (h *hostileBed) needs(t *testing.T, name string, input hostile, endpoint map[string]any) (objects []client.Object) {
	t.Helper()
	credentials, bundle := input.Secret, input.Bundle
	switch input.Make {
	case "long url":
		endpoint["url"] = "https://harbor.example.com/" + strings.Repeat("a", 3000)
	case "long password":
		credentials = map[string]string{"username": "robot$inventory", "password": strings.Repeat("h0stile-", 900<<10/8)}
	case "long bundle":
		bundle = new(strings.Repeat("h0stile ", 900<<10/8))
	case "key as bundle":
		bundle = new("-----BEGIN PRIVATE KEY-----\nh0stile\n-----END PRIVATE KEY-----\n")
	case "another bundle":
		other, _ := selfSigned(t)
		bundle = new(string(other))
	}
	if credentials != nil {
		endpoint["credentialsSecretRef"] = map[string]any{"name": name}
		objects = append(objects, &corev1.Secret{StringData: credentials})
	}
	if bundle != nil {
		objects = append(objects, &corev1.ConfigMap{Data: map[string]string{"ca.crt": *bundle}})
	}
	if input.TLS != "" {
		certificate, _ := selfSigned(t)
		_, key := selfSigned(t)
		endpoint["url"], endpoint["plainHTTP"] = h.tls.URL, false
		endpoint["clientCertificateSecretRef"] = map[string]any{"name": name}
		objects = append(objects, &corev1.Secret{Type: corev1.SecretTypeTLS, Data: map[string][]byte{"tls.crt": certificate, "tls.key": key}})
	}
	return objects
}

func merge(into, from map[string]any) {
	for key, value := range from {
		inner, isMap := value.(map[string]any)
		there, wasMap := into[key].(map[string]any)
		if isMap && wasMap {
			merge(there, inner)
			continue
		}
		into[key] = value
	}
}

// await waits for the outcome.
func (h *hostileBed) await(ctx context.Context, t *testing.T, name string, input hostile) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 90*time.Second)
	defer cancel()
	err := testbed.Await(ctx, func(ctx context.Context) error {
		var inv v1alpha1.HarborInventory
		if err := h.cluster.Client.Get(ctx, client.ObjectKey{Namespace: hostileSpace, Name: name}, &inv); err != nil {
			return err
		}
		message := outcomeOf(&inv)[input.Outcome]
		if message == nil || !strings.Contains(*message, input.Says) {
			return fmt.Errorf("want %s with %q, have %+v, failures %+v", input.Outcome, input.Says, inv.Status.Conditions, inv.Status.Failures)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// outcomeOf names what became of an inventory, in the words of Outcome, with messages.
func outcomeOf(inv *v1alpha1.HarborInventory) map[string]*string {
	all := map[string]*string{}
	for _, c := range inv.Status.Conditions {
		switch {
		case c.Type == v1alpha1.ConditionStalled:
			all["Stalled "+c.Reason] = &c.Message
		case c.Type == v1alpha1.ConditionReady && c.Status == metav1.ConditionTrue && apimeta.IsStatusConditionTrue(inv.Status.Conditions, v1alpha1.ConditionComplete):
			all["Ready"] = &c.Message
		case c.Type == v1alpha1.ConditionReady && c.Status == metav1.ConditionFalse:
			all["Not Ready "+c.Reason] = &c.Message
		}
	}
	for _, f := range inv.Status.Failures {
		all["Failure "+f.Reason] = &f.Message
	}
	return all
}

// search looks for the canaries in everything that is told.
func (h *hostileBed) search(ctx context.Context, t *testing.T) {
	t.Helper()
	var told strings.Builder
	var inventories v1alpha1.HarborInventoryList
	var events corev1.EventList
	for _, list := range []client.ObjectList{&inventories, &events} {
		if err := h.cluster.Client.List(ctx, list); err != nil {
			t.Fatal(err)
		}
	}
	for _, inv := range inventories.Items {
		fmt.Fprintln(&told, inv.Status)
	}
	for _, e := range events.Items {
		fmt.Fprintln(&told, e.Message)
	}
	for _, m := range h.managers {
		if m.Log() == "" {
			t.Error("a manager has logged nothing")
		}
		fmt.Fprintln(&told, m.Log())
	}
	if len(events.Items) == 0 || told.Len() == 0 {
		t.Error("nothing is told")
	}
	if found := holds(told.String()); found != "" {
		at := strings.Index(told.String(), found)
		t.Errorf("%q is told: %s", found, told.String()[max(0, at-200):min(told.Len(), at+200)])
	}
}

// holds returns a canary that a text holds.
func holds(text string) string {
	at := slices.IndexFunc(canaries, func(c string) bool { return strings.Contains(text, c) })
	if at < 0 {
		return ""
	}
	return canaries[at]
}

// serveHostile serves a Harbor with something wrong with one repository's
// artifacts, or with none.
func serveHostile(t *testing.T, answer string) (url string) {
	t.Helper()
	simulated := harbortest.NewHandler(hostileRegistry(), harbortest.Options{ErrorText: "c4nary-text"})
	server := startServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		act := hostileAnswers[answer]
		at := "/projects/library/repositories/nginx/artifacts"
		if answer == "repository" {
			at = "/projects/library/repositories"
		}
		if act == nil || !strings.HasSuffix(r.URL.EscapedPath(), at) {
			simulated.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Total-Count", "1")
		w.Header().Set("X-Error", "c4nary-header")
		act(w, r)
	}))
	t.Cleanup(simulated.Close)
	return server
}

// TestHostileAnswersAreAllTried: the table names each, and no other.
func TestHostileAnswersAreAllTried(t *testing.T) {
	text, err := os.ReadFile("hostile.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(hostileAnswers)) {
		if !bytes.Contains(text, []byte("answer: "+name+",")) {
			t.Errorf("no input has the answer %s", name)
		}
	}
}
