// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

// A client certificate that cannot be used, or that the server in front of Harbor
// refuses, is named; nothing is lost for it, a good one is enough to go on, and no
// key is ever told.
func TestClientCertificateSecret(t *testing.T) {
	t.Parallel()
	authority, tomorrow := harbortest.NewAuthority(), time.Now().Add(24*time.Hour)
	certificate, key := authority.Issue(tomorrow)
	strange, other := harbortest.NewAuthority().Issue(tomorrow)
	good := map[string][]byte{"tls.crt": certificate, "tls.key": key}
	for name, c := range map[string]struct {
		data   map[string][]byte // nil: no Secret
		reason string            // with the condition
		says   string
	}{
		"no Secret":           {nil, "Stalled=True SecretNotFound", "does not exist"},
		"no key":              {map[string][]byte{"tls.crt": certificate}, "Stalled=True SecretInvalid", `lacks the key "tls.key"`},
		"an empty one":        {map[string][]byte{"tls.crt": {}, "tls.key": key}, "Stalled=True SecretInvalid", `lacks the key "tls.crt"`},
		"another's key":       {map[string][]byte{"tls.crt": certificate, "tls.key": other}, "Stalled=True SecretInvalid", "the key that belongs to it"},
		"no PEM at all":       {map[string][]byte{"tls.crt": []byte(canary), "tls.key": []byte(canary)}, "Stalled=True SecretInvalid", "both in PEM form"},
		"another authority's": {map[string][]byte{"tls.crt": strange, "tls.key": other}, "Ready=False HarborUnavailable", "client certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, secret := behindMutualTLS(t, authority, good)
			before := w.shown("all")
			if err := kube.Delete(t.Context(), secret); err != nil {
				t.Fatal(err)
			}
			secret = clientSecret(w.ns, c.data)
			if c.data != nil {
				must(kube.Create(t.Context(), secret))
			}
			inv := w.request("all")
			condition, _, _ := strings.Cut(c.reason, "=")
			if got := message(inv, condition); !strings.Contains(fmt.Sprint(conditions(inv)), c.reason) || !strings.Contains(got, c.says) ||
				condition == "Stalled" && !strings.Contains(got, `Secret "client" (spec.harbor.clientCertificateSecretRef)`) {
				t.Errorf("conditions %v: %s", conditions(inv), messages(inv))
			}
			w.stillShown(before)
			if secret.Data = good; c.data == nil {
				must(kube.Create(t.Context(), secret))
			} else {
				must(kube.Update(t.Context(), secret))
			}
			w.condition("all", "Ready=True", "Complete=True")
			w.stillShown(before)
		})
	}
}

// behindMutualTLS makes a world whose Harbor asks for a certificate of the
// authority, and an inventory of it that is complete.
func behindMutualTLS(t *testing.T, authority *harbortest.Authority, pair map[string][]byte) (*world, *corev1.Secret) {
	t.Helper()
	registry := small()
	w := newWorld(t, registry)
	w.harbor = harbortest.NewServer(t, registry, harbortest.Options{TLS: true, TLSConfig: authority.Required()})
	bundle := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.ns, Name: "ca"},
		Data:       map[string]string{"ca.crt": string(w.harbor.CertificatePEM())},
	}
	secret := clientSecret(w.ns, pair)
	must(kube.Create(t.Context(), bundle))
	must(kube.Create(t.Context(), secret))
	w.inventory("all", func(s *v1alpha1.HarborInventorySpec) {
		s.Harbor.PlainHTTP = false
		s.Harbor.CABundleRef = &v1alpha1.CABundleReference{Name: "ca"}
		s.Harbor.ClientCertificateSecretRef = &v1alpha1.LocalObjectReference{Name: "client"}
	})
	w.condition("all", "Ready=True Succeeded", "Complete=True")
	w.equal(w.held(), w.shown("all"))
	return w, secret
}

func clientSecret(namespace string, data map[string][]byte) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "client"}, Data: data}
}
