// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// pair returns a certificate and its key, in PEM.
func pair() (certificate, key []byte) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	must(err)
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	must(err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})
}

// A client certificate that cannot be used is named, nothing is lost for it, and
// a good one is enough to go on.
func TestClientCertificateSecret(t *testing.T) {
	t.Parallel()
	certificate, key := pair()
	_, other := pair()
	for name, c := range map[string]struct {
		data   map[string][]byte // nil: no Secret
		reason string
		says   string
	}{
		"no Secret":     {nil, "SecretNotFound", "does not exist"},
		"no key":        {map[string][]byte{"tls.crt": certificate}, "SecretInvalid", `lacks the key "tls.key"`},
		"an empty one":  {map[string][]byte{"tls.crt": {}, "tls.key": key}, "SecretInvalid", `lacks the key "tls.crt"`},
		"another's key": {map[string][]byte{"tls.crt": certificate, "tls.key": other}, "SecretInvalid", "the key that belongs to it"},
		"no PEM at all": {map[string][]byte{"tls.crt": []byte(canary), "tls.key": []byte(canary)}, "SecretInvalid", "both in PEM form"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := synced(t, small())
			before := w.shown("all")
			secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.ns, Name: "client"}, Data: c.data}
			if c.data != nil {
				must(kube.Create(t.Context(), secret))
			}
			w.change("all", func(s *v1alpha1.HarborInventorySpec) {
				s.Harbor.ClientCertificateSecretRef = &v1alpha1.LocalObjectReference{Name: "client"}
			})
			inv := w.condition("all", "Stalled=True "+c.reason)
			for _, text := range []string{c.says, `Secret "client"`, "spec.harbor.clientCertificateSecretRef"} {
				if !strings.Contains(message(inv, "Stalled"), text) {
					t.Errorf("the message does not say %s: %s", text, message(inv, "Stalled"))
				}
			}
			if slices.ContainsFunc([]string{canary, "PRIVATE"}, func(s string) bool { return strings.Contains(messages(inv), s) }) {
				t.Errorf("the message shows what the Secret holds: %s", messages(inv))
			}
			w.stillShown(before)
			good := map[string][]byte{"tls.crt": certificate, "tls.key": key}
			if secret.Data = good; c.data == nil {
				must(kube.Create(t.Context(), secret))
			} else {
				must(kube.Update(t.Context(), secret))
			}
			w.condition("all", "Ready=True", "Complete=True")
		})
	}
}
