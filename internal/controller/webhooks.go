// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"crypto/tls"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/fetch"
	"github.com/harbor-inventory/harbor-inventory/internal/receiver"
)

// Webhooks says where Harbor's webhooks are received.
type Webhooks struct {
	// Address to listen on, like :9443. Empty or 0: nowhere.
	Address string
	// GetCertificate makes it HTTPS, if set.
	GetCertificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
}

// On tells whether webhooks are received at all.
func (w Webhooks) On() bool { return w.Address != "" && w.Address != "0" }

// setupWebhooks adds the receiver of webhooks to the manager. It runs where the
// controllers do, on the leader.
func (r *Reconciler) setupWebhooks(mgr ctrl.Manager) error {
	if !r.options.Webhooks.On() {
		return nil
	}
	hooks, err := receiver.New(receiver.Config{
		Secrets: r.webhookSecrets, Hint: r.webhookHint, Registerer: metrics.Registry,
	})
	if err != nil {
		return err
	}
	r.receiver = &receiver.Server{
		Receiver: hooks, Address: r.options.Webhooks.Address, GetCertificate: r.options.Webhooks.GetCertificate,
	}
	return mgr.Add(manager.RunnableFunc(r.receiver.ListenAndServe))
}

// webhookSecrets returns what the Authorization header of a request for an
// inventory must be.
func (r *Reconciler) webhookSecrets(ctx context.Context, namespace, name string) (values [][]byte, endpoint string, err error) {
	var inv v1alpha1.HarborInventory
	if err := r.cache.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &inv); err != nil {
		if client.IgnoreNotFound(err) == nil {
			err = receiver.ErrUnknown
		}
		return nil, "", err
	}
	hook := inv.Spec.Webhook
	if hook.Mode == "" || hook.Mode == v1alpha1.WebhookOff || hook.SecretRef == nil || !r.options.Selector.Matches(labels.Set(inv.Labels)) {
		return nil, "", receiver.ErrUnknown
	}
	secret, err := r.webhookSecret(ctx, &inv)
	if err != nil {
		return nil, "", err
	}
	return [][]byte{secret.Data[v1alpha1.SecretKeyAuthorization], secret.Data[v1alpha1.SecretKeyPrevious]}, harborKey(inv.Spec.Harbor.URL), nil
}

// webhookSecret reads the Secret of spec.webhook. An obstacle is a *stallError.
func (r *Reconciler) webhookSecret(ctx context.Context, inv *v1alpha1.HarborInventory) (*corev1.Secret, error) {
	const field = "spec.webhook.secretRef"
	var secret corev1.Secret
	name := inv.Spec.Webhook.SecretRef.Name
	if err := r.live.Get(ctx, client.ObjectKey{Namespace: inv.Namespace, Name: name}, &secret); err != nil {
		return nil, missing(err, v1alpha1.ReasonSecretNotFound, "Secret", inv.Namespace, name, field)
	}
	if len(secret.Data[v1alpha1.SecretKeyAuthorization]) == 0 {
		return nil, &stallError{reason: v1alpha1.ReasonSecretInvalid, waits: true, message: fmt.Sprintf(
			"Secret %q (%s) lacks the key %q or has nothing under it: it holds the value of the Authorization header that Harbor sends",
			name, field, v1alpha1.SecretKeyAuthorization)}
	}
	return &secret, nil
}

// webhookHint has looked at what a hint names, in every inventory of that Harbor
// that selects it: who receives the webhooks of a Harbor shares them.
func (r *Reconciler) webhookHint(hint receiver.Hint) {
	ctx := context.Background() // the cache answers at once
	var all v1alpha1.HarborInventoryList
	if err := r.cache.List(ctx, &all); err != nil {
		return // the cache is ending
	}
	for i := range all.Items {
		inv := &all.Items[i]
		if harborKey(inv.Spec.Harbor.URL) != hint.Harbor || !r.options.Selector.Matches(labels.Set(inv.Labels)) {
			continue
		}
		if wake := r.hinted(inv, hint); wake != nil {
			hintsReceived.WithLabelValues(byWebhook.String()).Inc()
			wake <- event.GenericEvent{Object: inv}
		}
	}
}

// hinted notes what a hint means for an inventory, if anything, and returns what
// has it looked at.
func (r *Reconciler) hinted(inv *v1alpha1.HarborInventory, hint receiver.Hint) chan<- event.GenericEvent {
	selection, err := fetch.NewSelection(texts(inv.Spec.Projects), texts(inv.Spec.Repositories), texts(inv.Spec.ExcludeRepositories))
	if err != nil {
		return nil // a sync says so
	}
	name := types.NamespacedName{Namespace: inv.Namespace, Name: inv.Name}
	switch {
	case hint.Project == "":
		r.hints.widen(name, scopeAll)
	case !selection.Project(hint.Project):
		return nil
	case hint.Repository == "":
		for _, repository := range r.memory.names(name, hint.Project) {
			r.hints.repository(name, repository, named{}, byWebhook, r.now())
		}
		r.hints.widen(name, scopeChanged)
	case !selection.Repository(hint.Repository):
		return nil
	case hint.Kinds&receiver.Scanned != 0 && len(overviewsOf(inv)) > 0:
		digests := make([]string, len(hint.Artifacts))
		for i, a := range hint.Artifacts {
			digests[i] = a.Digest
		}
		r.memory.recall(inv).urge(hint.Repository, digests)
		if hint.Kinds == receiver.Scanned { // nothing else of it has changed
			return r.laneWake
		}
		r.hints.repository(name, hint.Repository, namedByWebhook(hint), byWebhook, r.now())
	default:
		r.hints.repository(name, hint.Repository, namedByWebhook(hint), byWebhook, r.now())
	}
	return r.hintWake
}
