// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/util/retry"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

// +kubebuilder:rbac:groups=harborinventory.io,resources=harborinventories,verbs=patch

const (
	// registerEvery is how often the policies of a project are looked at: they are
	// hints only, and looking costs a request for each project.
	registerEvery = time.Hour

	// unregisterWithin is how long a deleted inventory is kept for its policies to
	// be removed from Harbor. Then they stay.
	unregisterWithin = 2 * time.Minute
	unregisterPause  = 5 * time.Second
)

// registration is what became of an inventory's webhook policies.
type registration struct {
	projects int
	failed   int
	err      error // one of the failures
}

// register keeps the inventory's webhook policy in the projects that Harbor
// showed, where spec.webhook.mode is Register, and takes it out where it is no
// longer. A project is looked at once in registerEvery, and with each sync of
// everything.
//
//  1. Keep the inventory from vanishing before its policies, or let go of it.
//  2. Put the policy into the selected projects.
//  3. After a change of the spec, take it out of the others.
func (r *Reconciler) register(ctx context.Context, inv *v1alpha1.HarborInventory, p *plan, res *result) (registration, error) {
	wanted := inv.Spec.Webhook.Mode == v1alpha1.WebhookRegister
	if res.ended() || !wanted && !controllerutil.ContainsFinalizer(inv, v1alpha1.FinalizerWebhook) {
		return registration{}, nil
	}
	ctx, end := tracedPhase(ctx, "register webhooks")
	defer end()
	// 1.
	if wanted {
		if err := r.setFinalizer(ctx, inv, controllerutil.AddFinalizer); err != nil {
			return registration{}, err
		}
	}
	// 2.
	known := r.memory.recall(inv)
	selected := map[string]bool{}
	if wanted {
		secret, err := r.webhookSecret(ctx, inv)
		if err != nil {
			return registration{projects: len(res.report.Seen), failed: len(res.report.Seen), err: err}, nil // status.layers tells it
		}
		policy := policyOf(inv, string(secret.Data[v1alpha1.SecretKeyAuthorization]))
		for _, project := range res.report.Seen {
			selected[project.Name] = true
		}
		if res.decision.scope == scopeAll {
			known.registerAnew()
		}
		_ = r.inProjects(ctx, inv, p, res.report.Seen, known, policy) // known keeps what failed
	}
	// 3.
	if res.decision.cause == causeSpec || !wanted {
		others, err := r.otherProjects(ctx, p, selected)
		if err == nil {
			err = r.inProjects(ctx, inv, p, others, nil, nil)
		}
		if err != nil || wanted {
			return known.registered(selected), nil // tried again after the next change; a policy left is answered 401
		}
		return registration{}, r.setFinalizer(ctx, inv, controllerutil.RemoveFinalizer)
	}
	return known.registered(selected), nil
}

// inProjects brings the policy into projects, or out of them where it is nil.
// Outcomes are noted in known, if given; those of registerEvery are not repeated.
func (r *Reconciler) inProjects(ctx context.Context, inv *v1alpha1.HarborInventory, p *plan, projects []harbor.Project, known *knowledge, policy *harbor.WebhookPolicy) error {
	var group errgroup.Group
	group.SetLimit(int(inv.Spec.MaxConnections))
	var mu sync.Mutex
	var first error
	for _, project := range projects {
		if known != nil && !known.registerDue(project.Name, r.now()) {
			continue
		}
		group.Go(func() error {
			err := inProject(ctx, p.client, project.Name, policyName(inv), policy)
			if known != nil {
				known.noteRegistered(project.Name, r.now(), err)
			}
			if err != nil && policy == nil && (errors.Is(err, harbor.ErrForbidden) || errors.Is(err, harbor.ErrNotFound)) {
				return nil // whose policies cannot be read, there is none of ours
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				first = err
			}
			return nil
		})
	}
	_ = group.Wait() // its functions return no error
	return first
}

func inProject(ctx context.Context, c *harbor.Client, project, name string, wanted *harbor.WebhookPolicy) error {
	var existing []harbor.WebhookPolicy
	for policy, err := range c.WebhookPolicies(ctx, project) {
		if err != nil {
			return needs("notification-policy:list", project, err)
		}
		existing = append(existing, *policy)
	}
	change := planPolicy(name, wanted, existing)
	switch {
	case change.create:
		err := c.CreateWebhookPolicy(ctx, project, change.policy)
		if errors.Is(err, harbor.ErrConflict) {
			return nil // made meanwhile; looked at again later
		}
		return needs("notification-policy:create", project, err)
	case change.update:
		return needs("notification-policy:update", project, c.UpdateWebhookPolicy(ctx, project, change.policy))
	}
	for _, id := range change.remove {
		if err := c.DeleteWebhookPolicy(ctx, project, id); err != nil && !errors.Is(err, harbor.ErrNotFound) {
			return needs("notification-policy:delete", project, err)
		}
	}
	return nil
}

// needs names the right that an account lacks.
func needs(right, project string, err error) error {
	if err == nil || !errors.Is(err, harbor.ErrForbidden) {
		return err
	}
	return fmt.Errorf("project %s: the account needs the right %s: %w", project, right, err)
}

func (r *Reconciler) otherProjects(ctx context.Context, p *plan, selected map[string]bool) (others []harbor.Project, err error) {
	for project, err := range p.client.Projects(ctx) {
		if err != nil {
			return nil, err
		}
		if !selected[project.Name] {
			others = append(others, *project)
		}
	}
	return others, nil
}

// setFinalizer adds or removes the finalizer. The inventory has changed since it
// was read wherever the sync told of its progress, and of two that change the
// finalizers at once, the second must look again: so it is read anew.
func (r *Reconciler) setFinalizer(ctx context.Context, inv *v1alpha1.HarborInventory, change func(client.Object, string) bool) error {
	if !change(inv.DeepCopy(), v1alpha1.FinalizerWebhook) {
		return nil
	}
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		var now v1alpha1.HarborInventory
		if err := r.live.Get(ctx, client.ObjectKeyFromObject(inv), &now); err != nil {
			return err
		}
		patched := now.DeepCopy()
		if now.UID != inv.UID || !change(patched, v1alpha1.FinalizerWebhook) {
			return nil
		}
		return r.client.Patch(ctx, patched, client.MergeFromWithOptions(&now, client.MergeFromWithOptimisticLock{}))
	})
	if err == nil {
		change(inv, v1alpha1.FinalizerWebhook)
	}
	return client.IgnoreNotFound(err)
}

// release removes the policies of an inventory that is being deleted, and lets
// go of it: at the latest after unregisterWithin, or where nobody can ask Harbor.
func (r *Reconciler) release(ctx context.Context, inv *v1alpha1.HarborInventory) (ctrl.Result, error) {
	if !controllerutil.ContainsFinalizer(inv, v1alpha1.FinalizerWebhook) {
		return ctrl.Result{}, nil
	}
	err := r.unregister(ctx, inv)
	var obstacle *stallError
	late := r.now().Sub(inv.DeletionTimestamp.Time) > unregisterWithin
	if err != nil && !late && !errors.As(err, &obstacle) {
		return ctrl.Result{RequeueAfter: unregisterPause}, nil
	}
	if err != nil {
		r.recorder.Eventf(inv, nil, corev1.EventTypeWarning, v1alpha1.ReasonWebhooksLeft, actionRelease,
			"the webhook policies %q were left in Harbor: %v", policyName(inv), err)
	}
	return ctrl.Result{}, r.setFinalizer(ctx, inv, controllerutil.RemoveFinalizer)
}

func (r *Reconciler) unregister(ctx context.Context, inv *v1alpha1.HarborInventory) error {
	ctx, cancel := context.WithTimeout(ctx, unregisterWithin/4)
	defer cancel()
	p, err := r.resolve(ctx, inv)
	if err != nil {
		return err
	}
	defer p.client.Close()
	projects, err := r.otherProjects(ctx, p, nil)
	if err != nil {
		return err
	}
	return r.inProjects(ctx, inv, p, projects, nil, nil)
}
