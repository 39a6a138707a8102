// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// TestReferencesStayInTheNamespace: an inventory gets nothing from another
// namespace, whatever it names.
func TestReferencesStayInTheNamespace(t *testing.T) {
	t.Parallel()
	victim := newWorld(t, small())
	for _, kind := range []client.Object{
		&corev1.Secret{Type: corev1.SecretTypeTLS, Data: map[string][]byte{"tls.crt": []byte("x"), "tls.key": []byte("t1s-private-key")}},
		&corev1.ConfigMap{Data: map[string]string{"ca.crt": "x"}},
	} {
		kind.SetNamespace(victim.ns)
		kind.SetName("victims")
		if err := kube.Create(t.Context(), kind); err != nil {
			t.Fatal(err)
		}
	}
	attacker := newWorld(t, small())
	attacker.deleteSecret("robot")
	for name, c := range map[string]struct {
		change func(*v1alpha1.HarborInventorySpec)
		state  string
	}{
		"credentials": {func(*v1alpha1.HarborInventorySpec) {}, "Stalled=True SecretNotFound"},
		"certificate": {func(s *v1alpha1.HarborInventorySpec) {
			s.Harbor.CredentialsSecretRef, s.Harbor.PlainHTTP, s.Harbor.URL = nil, false, strings.Replace(s.Harbor.URL, "http:", "https:", 1)
			s.Harbor.ClientCertificateSecretRef = &v1alpha1.LocalObjectReference{Name: "victims"}
		}, "Stalled=True SecretNotFound"},
		"bundle": {func(s *v1alpha1.HarborInventorySpec) {
			s.Harbor.CredentialsSecretRef = nil
			s.Harbor.CABundleRef = &v1alpha1.CABundleReference{Name: "victims"}
		}, "Stalled=True CABundleNotFound"},
		"bundle-in-a-secret": {func(s *v1alpha1.HarborInventorySpec) {
			s.Harbor.CredentialsSecretRef = nil
			s.Harbor.CABundleRef = &v1alpha1.CABundleReference{Kind: "Secret", Name: "victims"}
		}, "Stalled=True CABundleNotFound"},
	} {
		attacker.inventory(name, c.change)
		inv := attacker.condition(name, c.state)
		if got := message(inv, "Stalled"); !strings.Contains(got, fmt.Sprintf("in namespace %q", attacker.ns)) {
			t.Errorf("%s: %s", name, got)
		}
	}
	// A name cannot be a way out of the namespace either.
	for _, name := range []string{"../" + victim.ns + "/robot", victim.ns + "/robot", "..", "robot%2f..", "Robot"} {
		inv := attacker.get("credentials")
		inv.Spec.Harbor.CredentialsSecretRef.Name = name
		if err := kube.Update(t.Context(), inv); err == nil {
			t.Errorf("a Secret named %q is taken", name)
		}
	}
}
