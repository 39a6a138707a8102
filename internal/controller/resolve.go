// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/fetch"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
	"github.com/harbor-inventory/harbor-inventory/internal/inventory"
)

// stallError is an obstacle that only a person can take away. Its message names
// the field or object and the remedy.
type stallError struct {
	reason  string
	message string
	// waits: the obstacle lies in another object, so it is looked at again soon.
	waits bool
}

func (e *stallError) Error() string { return e.message }

// plan is a spec made ready for a sync.
type plan struct {
	client    *harbor.Client
	selection *fetch.Selection
	filter    *inventory.Filter
	details   inventory.Set
	ask       harbor.Details
	// overviews are the details that are looked up between the syncs.
	overviews []v1alpha1.Detail
}

// resolve checks the spec as far as the API server cannot, and reads the Secret
// and the CA bundle: nothing is read for a Harbor that is not allowed. An obstacle
// is a *stallError. change adapts what the client is made of.
func (r *Reconciler) resolve(ctx context.Context, inv *v1alpha1.HarborInventory, change ...func(*harbor.Config)) (*plan, error) {
	spec := &inv.Spec
	selection, err := fetch.NewSelection(texts(spec.Projects), texts(spec.Repositories), texts(spec.ExcludeRepositories))
	if err != nil {
		return nil, &stallError{reason: v1alpha1.ReasonInvalidSpec, message: "spec." + err.Error()}
	}
	filter, err := inventory.NewFilter(spec.Artifacts, r.now())
	if err != nil {
		return nil, &stallError{reason: v1alpha1.ReasonInvalidSpec, message: err.Error()}
	}
	if err := r.permitted(&spec.Harbor); err != nil {
		return nil, err
	}
	config := harbor.Config{
		URL:                spec.Harbor.URL,
		InsecureSkipVerify: spec.Harbor.InsecureSkipTLSVerify,
		Egress:             &r.options.Egress,
		UserAgent:          r.options.UserAgent,
		MaxConnections:     int(spec.MaxConnections),
		Limiters:           []*transport.Limiter{r.memory.recall(inv).connections, r.harbors.limiter(client.ObjectKeyFromObject(inv), spec.Harbor.URL)},
		Observer:           r.harbors.observer(spec.Harbor.URL),
		BudgetSpent:        r.harbors.spent(spec.Harbor.URL),
		Dial:               r.dial,
	}
	if config.Username, config.Password, err = r.credentials(ctx, inv); err != nil {
		return nil, err
	}
	if config.CABundle, err = r.caBundle(ctx, inv); err != nil {
		return nil, err
	}
	if config.ClientCertificate, err = r.clientCertificate(ctx, inv); err != nil {
		return nil, err
	}
	for _, c := range change {
		c(&config)
	}
	c, err := harbor.New(config)
	switch {
	case errors.Is(err, harbor.ErrNoCertificate):
		ref := spec.Harbor.CABundleRef
		return nil, &stallError{reason: v1alpha1.ReasonCABundleInvalid, waits: true, message: fmt.Sprintf(
			"key %q of %s %q (spec.harbor.caBundleRef) holds no certificate in PEM form: put one there, which begins with -----BEGIN CERTIFICATE-----", ref.Key, ref.Kind, ref.Name)}
	case err != nil:
		return nil, &stallError{reason: v1alpha1.ReasonInvalidSpec, message: "spec.harbor.url: " + err.Error()}
	}
	details := inventory.NewSet(spec.Include)
	ask, overviews := inventory.HarborDetails(details, spec), overviewsOf(inv)
	if len(overviews) > 0 {
		ask.Scan, ask.SBOM = false, false
	}
	return &plan{client: c, selection: selection, filter: filter, details: details, ask: ask, overviews: overviews}, nil
}

// resolveBackground is resolve for what is read without haste: with one request at
// a time, of which all inventories of a Harbor have one, within all other bounds.
func (r *Reconciler) resolveBackground(ctx context.Context, inv *v1alpha1.HarborInventory, change func(*harbor.Config)) (*plan, error) {
	return r.resolve(ctx, inv, func(config *harbor.Config) {
		config.MaxConnections = 1
		// Who waits for this one holds no slot of others.
		config.Limiters = append([]*transport.Limiter{r.harbors.background(inv.Spec.Harbor.URL)}, config.Limiters...)
		change(config)
	})
}

// overviewsOf returns the details of an inventory that are looked up between the
// syncs. A small one, which is one object, has them read with everything else.
func overviewsOf(inv *v1alpha1.HarborInventory) []v1alpha1.Detail {
	if inv.Spec.Output.Mode == v1alpha1.OutputStatus {
		return nil
	}
	return inventory.Overviews(inventory.NewSet(inv.Spec.Include))
}

func texts[T ~string](names []T) []string {
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = string(n)
	}
	return list
}

// credentials reads the Secret, each time: that is how it can be rotated.
func (r *Reconciler) credentials(ctx context.Context, inv *v1alpha1.HarborInventory) (username, password string, err error) {
	ref := inv.Spec.Harbor.CredentialsSecretRef
	if ref == nil {
		return "", "", nil
	}
	var secret corev1.Secret
	if err := r.live.Get(ctx, client.ObjectKey{Namespace: inv.Namespace, Name: ref.Name}, &secret); err != nil {
		return "", "", missing(err, v1alpha1.ReasonSecretNotFound, "Secret", inv.Namespace, ref.Name, "spec.harbor.credentialsSecretRef")
	}
	for _, key := range []string{corev1.BasicAuthUsernameKey, corev1.BasicAuthPasswordKey} {
		value, ok := secret.Data[key]
		if ok && len(value) > 0 {
			continue
		}
		state := "lacks the key"
		if ok {
			state = "has an empty value under the key"
		}
		return "", "", &stallError{reason: v1alpha1.ReasonSecretInvalid, waits: true, message: fmt.Sprintf(
			"Secret %q (spec.harbor.credentialsSecretRef) %s %q: it needs username and password, as the type kubernetes.io/basic-auth has them",
			ref.Name, state, key)}
	}
	return string(secret.Data[corev1.BasicAuthUsernameKey]), string(secret.Data[corev1.BasicAuthPasswordKey]), nil
}

// clientCertificate reads the pair of spec.harbor.clientCertificateSecretRef.
func (r *Reconciler) clientCertificate(ctx context.Context, inv *v1alpha1.HarborInventory) (*tls.Certificate, error) {
	const field = "spec.harbor.clientCertificateSecretRef"
	ref := inv.Spec.Harbor.ClientCertificateSecretRef
	if ref == nil {
		return nil, nil
	}
	var secret corev1.Secret
	if err := r.live.Get(ctx, client.ObjectKey{Namespace: inv.Namespace, Name: ref.Name}, &secret); err != nil {
		return nil, missing(err, v1alpha1.ReasonSecretNotFound, "Secret", inv.Namespace, ref.Name, field)
	}
	for _, key := range []string{corev1.TLSCertKey, corev1.TLSPrivateKeyKey} {
		if len(secret.Data[key]) == 0 {
			return nil, &stallError{reason: v1alpha1.ReasonSecretInvalid, waits: true, message: fmt.Sprintf(
				"Secret %q (%s) lacks the key %q or has nothing under it: it needs tls.crt and tls.key, as the type kubernetes.io/tls has them",
				ref.Name, field, key)}
		}
	}
	pair, err := tls.X509KeyPair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey])
	if err != nil { // its text may hold a part of the content
		return nil, &stallError{reason: v1alpha1.ReasonSecretInvalid, waits: true, message: fmt.Sprintf(
			"Secret %q (%s): tls.crt and tls.key are not a certificate and the key that belongs to it, both in PEM form", ref.Name, field)}
	}
	return &pair, nil
}

func (r *Reconciler) caBundle(ctx context.Context, inv *v1alpha1.HarborInventory) ([]byte, error) {
	ref := inv.Spec.Harbor.CABundleRef
	if ref == nil {
		return nil, nil
	}
	key := client.ObjectKey{Namespace: inv.Namespace, Name: ref.Name}
	data := map[string][]byte{}
	var err error
	if ref.Kind == "Secret" {
		var secret corev1.Secret
		err = r.live.Get(ctx, key, &secret)
		data = secret.Data
	} else {
		var configMap corev1.ConfigMap
		err = r.live.Get(ctx, key, &configMap)
		for name, text := range configMap.Data {
			data[name] = []byte(text)
		}
	}
	if err != nil {
		return nil, missing(err, v1alpha1.ReasonCABundleNotFound, ref.Kind, inv.Namespace, ref.Name, "spec.harbor.caBundleRef")
	}
	bundle, ok := data[ref.Key]
	if !ok {
		return nil, &stallError{reason: v1alpha1.ReasonCABundleInvalid, waits: true, message: fmt.Sprintf(
			"%s %q (spec.harbor.caBundleRef) lacks the key %q: name another in spec.harbor.caBundleRef.key, or add it; it has: %s",
			ref.Kind, ref.Name, ref.Key, strings.Join(slices.Sorted(maps.Keys(data)), ", "))}
	}
	return bundle, nil
}

// missing makes a stallError of a reference that leads nowhere; other errors
// of the API server stay what they are.
func missing(err error, reason, kind, namespace, name, field string) error {
	if !apierrors.IsNotFound(err) {
		return fmt.Errorf("reading the %s of %s: %w", kind, field, err)
	}
	return &stallError{reason: reason, waits: true, message: fmt.Sprintf(
		"%s %q (%s) does not exist in namespace %q: create it, or correct the name; it is looked for every few seconds",
		kind, name, field, namespace)}
}
