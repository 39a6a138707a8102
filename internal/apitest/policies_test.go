// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package apitest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	yamlreader "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// enforced is a policy of config/samples/policies at work: over the parameters of
// one namespace, on the pods of another.
type enforced struct {
	*testing.T
	client           client.Client
	parameters, pods string
}

// enforce puts the parameters there, applies the policy, as it is but for the
// names of namespaces, and waits until it refuses the pod.
func enforce(t *testing.T, file string, refused []string, parameters ...client.Object) *enforced {
	t.Helper()
	ctx := context.Background()
	c := newClient(t)
	e := &enforced{T: t, client: c, parameters: newNamespace(t), pods: newNamespace(t)}
	pods := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: e.pods}}
	patch := client.RawPatch("application/merge-patch+json", fmt.Appendf(nil, `{"metadata": {"labels": {"harbor-policy": %q}}}`, e.pods))
	if err := c.Patch(ctx, pods, patch); err != nil {
		t.Fatal(err)
	}
	for _, parameter := range parameters {
		e.put(parameter)
	}
	text, err := os.ReadFile(filepath.Join(samples, "policies", file))
	if err != nil {
		t.Fatal(err)
	}
	replaced := strings.NewReplacer("harbor-policy: enforced", "harbor-policy: "+e.pods, "namespace: harbor-inventories", "namespace: "+e.parameters)
	documents := yamlreader.NewYAMLReader(bufio.NewReader(bytes.NewReader([]byte(replaced.Replace(string(text))))))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		u := &unstructured.Unstructured{}
		if err := errors.Join(err, yaml.UnmarshalStrict(document, &u.Object)); err != nil {
			t.Fatal(err)
		}
		strict := client.WithFieldValidation(c, "Strict")
		if err := strict.Create(ctx, u); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Delete(ctx, u) })
	}
	for deadline := time.Now().Add(time.Minute); e.create(refused...) == nil; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the policy does not come into force")
		}
	}
	return e
}

func (e *enforced) put(parameter client.Object) {
	e.Helper()
	parameter.SetNamespace(e.parameters)
	status := parameter.DeepCopyObject()
	if err := e.client.Create(context.Background(), parameter); err != nil {
		e.Fatal(err)
	}
	if inv, ok := status.(*v1alpha1.HarborInventory); ok {
		inv.ResourceVersion = parameter.GetResourceVersion()
		if err := e.client.Status().Update(context.Background(), inv); err != nil {
			e.Fatal(err)
		}
	}
}

// create asks for a pod with these images, as a dry run.
func (e *enforced) create(images ...string) error {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: e.pods, GenerateName: "pod-"}}
	for i, image := range images {
		pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: fmt.Sprint("c", i), Image: image})
	}
	return e.client.Create(context.Background(), pod, client.DryRunAll)
}

// wants asks for a pod. refusal is a part of the message; empty: it is let through.
func (e *enforced) wants(refusal string, images ...string) {
	e.Helper()
	err := e.create(images...)
	switch {
	case refusal == "" && err != nil:
		e.Errorf("%v is refused: %v", images, err)
	case refusal != "" && (!apierrors.IsInvalid(err) && !apierrors.IsForbidden(err) || !strings.Contains(fmt.Sprint(err), refusal)):
		e.Errorf("%v: the answer is %v, want %q", images, err, refusal)
	}
}

// known returns an ArtifactList of the inventory production.
func known(name, repository string, artifacts ...v1alpha1.ArtifactEntry) *v1alpha1.ArtifactList {
	list := newList("", name, repository)
	list.Harbor = "https://harbor.example.com"
	list.Artifacts, list.ArtifactCount = artifacts, int32(len(artifacts))
	return list
}

// sha returns a digest.
func sha(n int) string { return fmt.Sprintf("sha256:%064x", n) }

func found(critical int64) *v1alpha1.Vulnerabilities {
	return &v1alpha1.Vulnerabilities{VulnerabilityCounts: v1alpha1.VulnerabilityCounts{Total: critical + 1, Critical: critical, Low: 1}}
}

func TestPolicyDenyCritical(t *testing.T) {
	bad, good := sha(1), sha(2)
	e := enforce(t, "deny-critical.yaml", []string{"harbor.example.com/library/nginx@" + bad},
		known("production-1", "library/nginx",
			v1alpha1.ArtifactEntry{Digest: bad, Tags: []string{"1.0", "old"}, Vulnerabilities: found(3)},
			v1alpha1.ArtifactEntry{Digest: good, Tags: []string{"1.1"}, Vulnerabilities: found(0)},
			v1alpha1.ArtifactEntry{Digest: sha(3), Tags: []string{"1.2"}},
		),
		known("production-2", "team-a/app", v1alpha1.ArtifactEntry{Digest: sha(4), Tags: []string{"1.0"}, Vulnerabilities: found(1)}),
		func() client.Object {
			other := known("staging-1", "library/nginx", v1alpha1.ArtifactEntry{Digest: good, Vulnerabilities: found(9)})
			other.Labels[v1alpha1.LabelInventory] = "staging"
			return other
		}(),
	)
	const why = "harbor.example.com/library/nginx@sha256:0000000000000000000000000000000000000000000000000000000000000001 has 3 critical vulnerabilities"
	e.wants(why, "harbor.example.com/library/nginx@"+bad)
	e.wants(why, "mirror.example.com/nginx@"+bad) // the same digest, wherever it comes from
	e.wants(why, "harbor.example.com/library/nginx:1.0")
	e.wants(why, "docker.io/busybox:1", "harbor.example.com/library/nginx:old") // any container
	e.wants("team-a/app@"+sha(4), "harbor.example.com/team-a/app@"+sha(4))      // of another list
	e.wants("", "harbor.example.com/library/nginx@"+good)
	e.wants("", "harbor.example.com/library/nginx:1.1")
	e.wants("", "harbor.example.com/library/nginx:1.2")     // not scanned
	e.wants("", "docker.io/library/nginx:1.0")              // a tag of another registry
	e.wants("", "harbor.example.com/library/nginx@"+sha(9)) // not listed
	e.wants("", "harbor.example.com/library/nginx:1.0.1")
}

// TestPolicyCost: the largest list that there can be is within the API server's
// cost limits for a pod of ten containers.
func TestPolicyCost(t *testing.T) {
	var artifacts []v1alpha1.ArtifactEntry
	for i := range 500 {
		artifacts = append(artifacts, v1alpha1.ArtifactEntry{
			Digest: sha(i), Tags: []string{fmt.Sprint("1.", i), fmt.Sprint("v1.", i)}, Vulnerabilities: found(1), Signed: new(true),
		})
	}
	var images, digests []string
	for i := range 10 {
		images = append(images, fmt.Sprintf("harbor.example.com/library/other-%d:1.0", i))
		digests = append(digests, fmt.Sprintf("harbor.example.com/library/other-%d@%s", i, sha(1000+i)))
	}
	e := enforce(t, "deny-critical.yaml", []string{"harbor.example.com/library/nginx:1.7"}, known("production-1", "library/nginx", artifacts...))
	e.wants("", images...)
	e.wants("", digests...)
	e.wants("has 1 critical", append(images[:9:9], "harbor.example.com/library/nginx:v1.499")...)
	signed := enforce(t, "only-signed.yaml", []string{"a:1"}, known("production-1", "library/nginx", artifacts...))
	signed.wants("", digests...)
}

func TestPolicyDenyCriticalReports(t *testing.T) {
	report := func(name string, n int, vulnerabilities ...v1alpha1.Vulnerability) *v1alpha1.VulnerabilityReport {
		r := newReport("")
		r.Name, r.Digest, r.Vulnerabilities = name, sha(n), vulnerabilities
		r.Labels[v1alpha1.LabelSeverity] = "Critical"
		return r
	}
	fixable := v1alpha1.Vulnerability{ID: "CVE-2021-44228", Severity: "Critical", Package: "log4j-core", FixVersion: "2.15.0"}
	e := enforce(t, "deny-critical-reports.yaml", []string{"harbor.example.com/library/nginx@" + sha(1)},
		report("production-1", 1, fixable, v1alpha1.Vulnerability{ID: "CVE-2", Severity: "Critical"}),
		report("production-2", 2, v1alpha1.Vulnerability{ID: "CVE-2", Severity: "Critical"}),
		report("production-3", 3),
		func() client.Object {
			low := report("production-4", 4, fixable)
			low.Labels[v1alpha1.LabelSeverity] = "Low"
			return low
		}(),
	)
	e.wants("library/nginx@"+sha(1)+" has 1 critical vulnerabilities that can be fixed, the first CVE-2021-44228 in log4j-core, by 2.15.0", "mirror.example.com/nginx@"+sha(1))
	e.wants("", "harbor.example.com/library/nginx@"+sha(2)) // cannot be fixed
	e.wants("", "harbor.example.com/library/nginx@"+sha(3))
	e.wants("", "harbor.example.com/library/nginx@"+sha(4)) // not selected
	e.wants("", "harbor.example.com/library/nginx:1.27")
}

func TestPolicyOnlyListed(t *testing.T) {
	released := &v1alpha1.HarborInventory{
		ObjectMeta: metav1.ObjectMeta{Name: "released"},
		Spec: v1alpha1.HarborInventorySpec{
			Harbor: v1alpha1.HarborEndpoint{URL: "https://harbor.example.com:8443"}, Output: v1alpha1.Output{Mode: v1alpha1.OutputStatus},
		},
		Status: v1alpha1.HarborInventoryStatus{
			Conditions: []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: "True", Reason: v1alpha1.ReasonSucceeded, LastTransitionTime: metav1.Now()}},
			ArtifactEntries: []v1alpha1.RepositoryArtifact{
				{Repository: "library/nginx", ArtifactEntry: v1alpha1.ArtifactEntry{Digest: sha(1), Tags: []string{"1.0"}}},
				{Repository: "team-a/app", ArtifactEntry: v1alpha1.ArtifactEntry{Digest: sha(2)}},
			},
		},
	}
	e := enforce(t, "only-listed.yaml", []string{"docker.io/library/nginx:1"}, released)
	const host = "harbor.example.com:8443/"
	e.wants("", host+"library/nginx@"+sha(1))
	e.wants("", host+"library/nginx@"+sha(1), host+"team-a/app@"+sha(2))
	e.wants(host+"library/nginx:1.0 is not a released image: give it as "+host+"REPOSITORY@DIGEST", host+"library/nginx:1.0")
	e.wants("is not a released image", host+"library/nginx@"+sha(2)) // of another repository
	e.wants("is not a released image", host+"library/nginx@"+sha(3))
	e.wants("is not a released image", "docker.io/library/nginx@"+sha(1))
	e.wants("is not a released image", host+"library/nginx@"+sha(1), "busybox")

	stale := released.DeepCopy()
	if err := e.client.Get(context.Background(), client.ObjectKeyFromObject(released), stale); err != nil {
		t.Fatal(err)
	}
	stale.Status.Conditions[0].Status = "False"
	if err := e.client.Status().Update(context.Background(), stale); err != nil {
		t.Fatal(err)
	}
	e.until("the inventory of released images is not Ready", host+"library/nginx@"+sha(1))
	if err := e.client.Delete(context.Background(), stale); err != nil {
		t.Fatal(err)
	}
	e.until("failed to configure binding", host+"library/nginx@"+sha(1))
}

// until waits for a refusal after a change of the parameters.
func (e *enforced) until(refusal string, images ...string) {
	e.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if err := e.create(images...); strings.Contains(fmt.Sprint(err), refusal) {
			return
		} else if time.Now().After(deadline) {
			e.Fatalf("%v: the answer is %v, want %q", images, err, refusal)
		}
	}
}

func TestPolicyOnlySigned(t *testing.T) {
	e := enforce(t, "only-signed.yaml", []string{"harbor.example.com/library/nginx:1"},
		known("production-1", "library/nginx",
			v1alpha1.ArtifactEntry{Digest: sha(1), Signed: new(true)}, v1alpha1.ArtifactEntry{Digest: sha(2), Signed: new(false)}),
		known("production-2", "team-a/app", v1alpha1.ArtifactEntry{Digest: sha(3)}),
	)
	e.wants("", "harbor.example.com/library/nginx@"+sha(1))
	e.wants("library/nginx@"+sha(2)+" has no signature", "harbor.example.com/library/nginx@"+sha(2))
	e.wants("team-a/app@"+sha(3)+" has no signature", "harbor.example.com/team-a/app@"+sha(3))
	e.wants("every image must be given by its digest", "harbor.example.com/library/nginx:1.0")
	e.wants("", "docker.io/library/busybox@"+sha(9)) // not listed
}
