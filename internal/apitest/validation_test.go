// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package apitest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"
)

// answer is what the API server said to one manifest.
type answer struct {
	kind     string
	sent     map[string]any
	accepted map[string]any       // the object after defaulting; nil when refused
	causes   []metav1.StatusCause // of the refusal
	message  string
	code     int32
}

// lines is the message as the API server sent it, except that the errors of
// one that holds several, which come in any order, are sorted and stand on
// lines of their own.
func (a answer) lines() string {
	start, list, ok := strings.Cut(a.message, " is invalid: [")
	if len(a.causes) < 2 || !ok {
		return a.message
	}
	var errs []string
	for _, cause := range a.causes {
		errs = append(errs, cause.Field+": "+cause.Message)
		list = strings.Replace(list, errs[len(errs)-1], "", 1)
	}
	if strings.Trim(list, ", ]") != "" {
		return a.message // the causes are not the whole message
	}
	slices.Sort(errs)
	return start + " is invalid:\n      - " + strings.Join(errs, "\n      - ")
}

// TestValidation puts every case to the API server, as kubectl does: with
// strict field validation. It holds the answers, word for word, and that
// the cases leave out nothing that the schemas say.
func TestValidation(t *testing.T) {
	server := restClient(t)
	namespace := newNamespace(t)
	files := readCases(t)
	var text strings.Builder
	var answers []answer
	for _, name := range slices.Sorted(maps.Keys(files)) {
		file := files[name]
		if file.Status {
			create(t, server, namespace, file.Over)
		}
		fmt.Fprintf(&text, "\n=== %s ===\n", name)
		put := func(c inputCase, accept bool) {
			a := ask(t, server, namespace, file, c)
			answers = append(answers, a)
			if (a.accepted != nil) != accept {
				t.Errorf("%s: %s: accepted is %t, want %t: %s", name, c.Name, !accept, accept, a.message)
			}
			if a.accepted != nil {
				fmt.Fprintf(&text, "accepted: %s\n", c.Name)
				return
			}
			fmt.Fprintf(&text, "refused: %s\n    %d %s\n", c.Name, a.code, a.lines())
		}
		for _, c := range file.Accepted {
			put(c, true)
		}
		for _, c := range file.Refused {
			put(c, false)
		}
	}
	golden(t, "validation.golden", "What the API server answers to the cases of testdata/validation.\n"+text.String())
	checkCoverage(t, answers)
}

// TestDefaults holds the least objects, as the API server completes them.
func TestDefaults(t *testing.T) {
	server := restClient(t)
	namespace := newNamespace(t)
	files := readCases(t)
	var text strings.Builder
	for _, c := range []struct{ file, name string }{
		{"spec", "the least spec"},
		{"harbor", "a reference to a CA bundle with its name alone"},
		{"output", "an empty output"},
		{"artifactlist", "the least list"},
		{"vulnerabilityreport", "the least report"},
		{"vulnerabilityreports", "reports with nothing said about them"},
	} {
		i := slices.IndexFunc(files[c.file].Accepted, func(in inputCase) bool { return in.Name == c.name })
		if i < 0 {
			t.Fatalf("%s has no accepted case named %q", c.file, c.name)
		}
		a := ask(t, server, namespace, files[c.file], files[c.file].Accepted[i])
		delete(a.accepted, "metadata")
		b, err := yaml.Marshal(a.accepted)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&text, "--- # %s: %s\n%s", c.file, c.name, b)
	}
	golden(t, "defaults.golden.yaml", text.String())
}

// restClient sends requests that no client library has touched.
func restClient(t *testing.T) rest.Interface {
	t.Helper()
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client.RESTClient()
}

func resourcePath(namespace string, object map[string]any) []string {
	plural := strings.ToLower(fmt.Sprint(object["kind"])) + "s"
	if plural == "harborinventorys" {
		plural = "harborinventories"
	}
	return []string{"/apis/harborinventory.io/v1alpha1/namespaces", namespace, plural}
}

func create(t *testing.T, server rest.Interface, namespace string, object map[string]any) {
	t.Helper()
	err := server.Post().AbsPath(resourcePath(namespace, object)...).
		SetHeader("Content-Type", "application/json").Body(encode(t, object)).Do(context.Background()).Error()
	if err != nil {
		t.Fatal(err)
	}
}

// ask sends a case as a dry run.
func ask(t *testing.T, server rest.Interface, namespace string, file caseFile, c inputCase) answer {
	t.Helper()
	object, ok := mergePatch(file.Over, c.With).(map[string]any)
	if !ok {
		t.Fatalf("%s is no object", c.Name)
	}
	path := resourcePath(namespace, file.Over)
	request := server.Post().AbsPath(path...).SetHeader("Content-Type", "application/json")
	if file.Status {
		u := unstructured.Unstructured{Object: file.Over}
		request = server.Patch(types.MergePatchType).AbsPath(append(path, u.GetName(), "status")...)
	}
	result := request.Param("dryRun", "All").Param("fieldValidation", "Strict").
		Body(encode(t, object)).Do(context.Background())
	a := answer{kind: fmt.Sprint(file.Over["kind"]), sent: object}
	err := result.Error()
	if err == nil {
		body, err := result.Raw()
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(body, &a.accepted); err != nil {
			t.Fatal(err)
		}
		return a
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		t.Fatalf("%s: %v", c.Name, err)
	}
	a.message, a.code = status.Status().Message, status.Status().Code
	if status.Status().Details != nil {
		a.causes = status.Status().Details.Causes
	}
	return a
}

func encode(t *testing.T, object map[string]any) []byte {
	t.Helper()
	b, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
