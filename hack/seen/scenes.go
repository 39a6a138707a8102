// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
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

const (
	account = "robot$inventory"
	secret  = "secret"
)

// old is a Harbor whose listings of repositories do not tell of all changes.
var old = harbortest.Version{Major: 2, Minor: 14}

// harbor serves a registry of that many repositories with two artifacts each.
func (b *bed) harbor(repositories int, options ...harbortest.Option) (*harbortest.Server, *harbortest.Registry) {
	registry := harbortest.New(options...)
	registry.AddRobot(harbortest.Robot{Name: "inventory", Secret: secret, SystemScope: true})
	for i := range repositories {
		for _, tag := range []string{"1.0", "2.0"} {
			registry.Push(fmt.Sprintf("library/app-%02d", i), harbortest.Image{Tags: []string{tag}})
		}
	}
	return harbortest.NewServer(b.cleanups, registry, harbortest.Options{}), registry
}

// create makes an inventory that is synced every 10 s.
func (b *bed) create(ctx context.Context, name, url string, change func(*v1alpha1.HarborInventorySpec)) error {
	inv := cluster.Inventory(ns, name, url)
	inv.Spec.Interval = metav1.Duration{Duration: 10 * time.Second}
	if change != nil {
		change(&inv.Spec)
	}
	return b.Client.Create(ctx, inv)
}

// putSecret writes one with an account of Harbor.
func (b *bed) putSecret(ctx context.Context, name, password string) error {
	s := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name}, Type: corev1.SecretTypeBasicAuth,
		StringData: map[string]string{corev1.BasicAuthUsernameKey: account, corev1.BasicAuthPasswordKey: password},
	}
	err := b.Client.Create(ctx, s)
	if err != nil && client.IgnoreAlreadyExists(err) == nil {
		err = b.Client.Update(ctx, s)
	}
	return err
}

// scenes are those that go on side by side, each with a Harbor and an inventory of its own.
func (b *bed) scenes() []scene {
	return []scene{
		b.failing("HarborInventoryStale", "Harbor answers 503, always", "name", "stale", harbortest.Rule{Fault: harbortest.Gateway(503)},
			func(s *v1alpha1.HarborInventorySpec) { s.Timeout = metav1.Duration{Duration: 10 * time.Second} }),
		b.failing("HarborInventoryHarborFailing", "Harbor answers 503 to half of the requests", "harbor", "",
			harbortest.Rule{Fault: harbortest.Gateway(503), Rate: 0.5}, nil),
		b.failing("HarborInventoryRetryBudgetSpent", "Harbor answers 500 to 9 of 10 listings of artifacts", "harbor", "",
			harbortest.Rule{Class: harbortest.ClassArtifacts, Fault: harbortest.InternalError(), Rate: 0.9}, nil),
		b.incomplete(), b.stalled(), b.refused(), b.policy(), b.drift(), b.strangers(),
	}
}

// failing has an inventory of a Harbor that fails by a rule. Without a value the
// alert is the one about that Harbor.
func (b *bed) failing(alert, what, label, value string, rule harbortest.Rule, change func(*v1alpha1.HarborInventorySpec)) scene {
	harbor, _ := b.harbor(60, harbortest.WithVersion(old)) // each repository is read by itself
	name := strings.ToLower(strings.TrimPrefix(alert, "HarborInventory"))
	if value == "" {
		value = strings.TrimPrefix(harbor.URL, "http://")
	}
	return scene{
		alert: alert, what: what, label: label, value: value,
		provoke: func(ctx context.Context) error {
			harbor.Inject(rule)
			return b.create(ctx, name, harbor.URL, change)
		},
		mend: func(context.Context) error { harbor.ClearFaults(); return nil },
	}
}

func (b *bed) incomplete() scene {
	harbor, registry := b.harbor(3)
	return scene{
		alert: "HarborInventoryIncomplete", what: "the spec names a repository that Harbor does not have", label: "name", value: "incomplete",
		provoke: func(ctx context.Context) error {
			return b.create(ctx, "incomplete", harbor.URL, func(s *v1alpha1.HarborInventorySpec) {
				s.Repositories = []v1alpha1.RepositoryPattern{"library/missing"}
			})
		},
		mend: func(context.Context) error {
			registry.Push("library/missing", harbortest.Image{Tags: []string{"1.0"}})
			return nil
		},
	}
}

func (b *bed) stalled() scene {
	harbor, _ := b.harbor(3)
	return scene{
		alert: "HarborInventoryStalled", what: "the Secret is not there", label: "name", value: "stalled",
		provoke: func(ctx context.Context) error {
			return b.create(ctx, "stalled", harbor.URL, func(s *v1alpha1.HarborInventorySpec) {
				s.Harbor.CredentialsSecretRef = &v1alpha1.LocalObjectReference{Name: "missing"}
			})
		},
		mend: func(ctx context.Context) error { return b.putSecret(ctx, "missing", secret) },
	}
}

func (b *bed) refused() scene {
	harbor, _ := b.harbor(3)
	return scene{
		alert: "HarborInventoryCredentialsRefused", what: "the Secret holds another password than Harbor", label: "name", value: "refused", secret: "old",
		provoke: func(ctx context.Context) error {
			if err := b.putSecret(ctx, "old", "another"); err != nil {
				return err
			}
			return b.create(ctx, "refused", harbor.URL, func(s *v1alpha1.HarborInventorySpec) {
				s.Harbor.CredentialsSecretRef = &v1alpha1.LocalObjectReference{Name: "old"}
			})
		},
		mend: func(ctx context.Context) error { return b.putSecret(ctx, "old", secret) },
	}
}

// noLists has the API server refuse the lists of one inventory.
const noLists = `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: no-lists}
spec:
  matchConstraints:
    resourceRules:
    - {apiGroups: [harborinventory.io], apiVersions: ["*"], operations: [CREATE, UPDATE], resources: [artifactlists]}
  validations:
  - {expression: '!object.metadata.name.startsWith("policy-")', message: no lists}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: no-lists}
spec: {policyName: no-lists, validationActions: [Deny]}
`

func (b *bed) policy() scene {
	harbor, _ := b.harbor(3)
	var objects []*unstructured.Unstructured
	return scene{
		alert: "HarborInventoryWritesRefused", what: "an admission policy refuses lists", label: "reason", value: "Invalid",
		provoke: func(ctx context.Context) error {
			for document := range strings.SplitSeq(noLists, "---\n") {
				object := &unstructured.Unstructured{}
				if err := yaml.Unmarshal([]byte(document), object); err != nil {
					return err
				}
				if err := b.Client.Create(ctx, object); err != nil {
					return err
				}
				objects = append(objects, object)
			}
			// The API server takes a moment to know it.
			probe := &v1alpha1.ArtifactList{
				ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "policy-probe"}, Harbor: harbor.URL, Project: "library", Repository: "library/probe",
				Artifacts: []v1alpha1.ArtifactEntry{},
			}
			err := testbed.Await(ctx, func(ctx context.Context) error {
				if err := b.Client.Create(ctx, probe.DeepCopy(), client.DryRunAll); err == nil || !strings.Contains(err.Error(), "no lists") {
					return fmt.Errorf("the policy is not in force: %w", err)
				}
				return nil
			})
			if err != nil {
				return err
			}
			return b.create(ctx, "policy", harbor.URL, nil)
		},
		mend: func(ctx context.Context) error {
			for _, object := range objects {
				if err := b.Client.Delete(ctx, object); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// drift: an anonymous inventory, so neither the audit log nor Harbor's version
// helps, of a Harbor whose listings do not tell of tags that move.
func (b *bed) drift() scene {
	harbor, registry := b.harbor(20, harbortest.WithVersion(old))
	return scene{
		alert: "HarborInventoryDriftHigh", what: "tags move in 20 repositories, nothing tells of it, and everything is read",
		provoke: func(ctx context.Context) error {
			if err := b.create(ctx, "drift", harbor.URL, func(s *v1alpha1.HarborInventorySpec) {
				s.Harbor.CredentialsSecretRef = nil
				s.Interval = metav1.Duration{Duration: time.Hour}
			}); err != nil {
				return err
			}
			inv := &v1alpha1.HarborInventory{}
			if err := testbed.Await(ctx, func(ctx context.Context) error {
				err := b.Client.Get(ctx, client.ObjectKey{Namespace: ns, Name: "drift"}, inv)
				if err == nil && !apimeta.IsStatusConditionTrue(inv.Status.Conditions, v1alpha1.ConditionComplete) {
					err = fmt.Errorf("not complete: %v", inv.Status.Conditions)
				}
				return err
			}); err != nil {
				return err
			}
			listed, _ := registry.Listed()
			for _, a := range listed {
				if len(a.Tags) == 1 && a.Tags[0] == "1.0" {
					if _, err := registry.TryPush(a.Repository, harbortest.Image{Digest: a.Digest, Tags: []string{"2.0"}}); err != nil {
						return err
					}
				}
			}
			before := inv.DeepCopy()
			inv.Annotations = map[string]string{v1alpha1.AnnotationRequestedAt: time.Now().String()}
			return b.Client.Patch(ctx, inv, client.MergeFrom(before))
		},
		mend: func(context.Context) error { return nil }, // it is over when it is long ago
	}
}

// strangers send requests to the receiver of webhooks.
func (b *bed) strangers() scene {
	stop := func() {}
	return scene{
		alert: "HarborInventoryWebhooksRefused", what: "somebody sends two requests a second without the right header", label: "reason", value: "authorization",
		provoke: func(context.Context) error { stop = b.stranger(); return nil },
		mend:    func(context.Context) error { stop(); return nil },
	}
}

// stranger sends two requests a second, without the right header, until it is
// told to leave.
func (b *bed) stranger() (leave func()) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	go func() {
		for ticker := time.NewTicker(500 * time.Millisecond); ctx.Err() == nil; <-ticker.C {
			request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+b.hooks+"/v1/"+ns+"/nobody", strings.NewReader("{}"))
			if err != nil {
				return
			}
			request.Header.Set("Content-Type", "application/json")
			request.Header.Set("Authorization", "wrong")
			if response, err := http.DefaultClient.Do(request); err == nil {
				response.Body.Close()
			}
		}
	}()
	return cancel
}
