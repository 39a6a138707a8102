// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/CycloneDX/cyclonedx-go"
	spdxjson "github.com/spdx/tools-golang/json"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// TestChunks holds that the answer is the same whatever the size of a chunk, and
// that with small ones rows are printed before the last one has been asked for.
func TestChunks(t *testing.T) {
	fill(t)
	whole := invokeIn(t, func(*environment) {}, "list", "-A", "-o", "jsonl", "--chunk-size", "0")
	if whole.code != exitOK || strings.Count(whole.out, "\n") < 90 {
		t.Fatalf("exit code %d, %d rows", whole.code, strings.Count(whole.out, "\n"))
	}
	for _, size := range []string{"1", "7", "500"} {
		if got := invokeIn(t, func(*environment) {}, "list", "-A", "-o", "jsonl", "--chunk-size", size); got.out != whole.out {
			t.Errorf("--chunk-size %s gives another answer than everything at once", size)
		}
	}
	// A reader that goes away after the first chunk's rows ends the listing.
	chunks := 0
	got := invokeIn(t, func(e *environment) {
		e.Out = writerFunc(func(p []byte) (int, error) {
			if chunks++; chunks > 1 {
				return 0, errors.New("nobody reads")
			}
			return len(p), nil
		})
	}, "list", "-i", "production", "--chunk-size", "5")
	if got.code != exitError || chunks != 2 {
		t.Errorf("exit code %d after %d writes: %s", got.code, chunks, got.err)
	}
}

func TestUnknownInventory(t *testing.T) {
	fill(t)
	for _, line := range []string{"list -i nobody", "list -A -i nobody", "diff nobody production", "export -i nobody", "status nobody", "sync nobody", "tree -i nobody", "vuln -i nobody", "search -i nobody --cve X"} {
		got := invokeIn(t, func(*environment) {}, strings.Fields(line)...)
		if got.code != exitError || !strings.Contains(got.err, `there is no HarborInventory "nobody"`) {
			t.Errorf("%s: exit code %d and %q", line, got.code, got.err)
		}
	}
}

// TestNoCluster: a cluster that is not there is an error, and no empty answer.
func TestNoCluster(t *testing.T) {
	for _, line := range []string{"list", "status", "diff a b", "sync a"} {
		got := invokeIn(t, func(*environment) {}, append(strings.Fields(line), "--server", "http://127.0.0.1:1")...)
		if got.code != exitError || got.out != "" || !strings.Contains(got.err, "127.0.0.1:1") {
			t.Errorf("%s: exit code %d, %q and %q", line, got.code, got.out, got.err)
		}
	}
}

// TestNotInstalled: a cluster without the definitions is told from an empty one.
func TestNotInstalled(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	for _, line := range []string{"list", "status", "vuln", "search --cve X"} {
		got := invokeIn(t, func(*environment) {}, append(strings.Fields(line), "--server", server.URL)...)
		if got.code != exitError || got.out != "" || !strings.Contains(got.err, "the cluster does not know them: install the CustomResourceDefinitions") {
			t.Errorf("%s: %+v", line, got)
		}
	}
}

func TestSortBy(t *testing.T) {
	fill(t)
	for _, tt := range []struct {
		by      string
		numbers bool
	}{{".sizeBytes", true}, {"pushTime", false}, {"{.repository}", false}, {".vulnerabilities.critical", true}, {".nothing", false}} {
		got := invokeIn(t, func(*environment) {}, "list", "-i", "production", "-o", "jsonl", "--sort-by", tt.by)
		if got.code != exitOK || strings.Count(got.out, "\n") != 74 {
			t.Fatalf("%s: exit code %d: %s", tt.by, got.code, got.err)
		}
		var keys []string
		var numbers []float64
		for line := range strings.Lines(got.out) {
			var a map[string]any
			if err := json.Unmarshal([]byte(line), &a); err != nil {
				t.Fatal(err)
			}
			var value any = a
			for name := range strings.SplitSeq(strings.Trim(tt.by, "{.}"), ".") {
				fields, _ := value.(map[string]any)
				value = fields[name]
			}
			number, _ := value.(float64)
			text, _ := value.(string)
			keys, numbers = append(keys, text), append(numbers, number)
		}
		if !slices.IsSorted(keys) || tt.numbers && !slices.IsSorted(numbers) {
			t.Errorf("%s: not sorted", tt.by)
		}
	}
}

// TestSyncFails holds how a sync ends that does not end well.
func TestSyncFails(t *testing.T) {
	fill(t)
	c := kube(t)
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "sync-"}}
	if err := c.Create(t.Context(), ns); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"partial", "ignored"} {
		create(t, c, ns.Name, name, nil, nil)
	}
	defer func() { // the others look into all namespaces
		if err := c.DeleteAllOf(context.WithoutCancel(t.Context()), &v1alpha1.HarborInventory{}, client.InNamespace(ns.Name)); err != nil {
			t.Error(err)
		}
	}()
	operate(t, ns.Name, "partial", incomplete)
	got := invokeIn(t, func(*environment) {}, "sync", "partial", "-n", ns.Name)
	if got.code != exitIncomplete || !strings.Contains(got.err, "partial is not Complete (PartialFailure)") {
		t.Errorf("incomplete: exit code %d and %q", got.code, got.err)
	}
	got = invokeIn(t, func(*environment) {}, "sync", "ignored", "partial", "-n", ns.Name, "--timeout", "50ms")
	if got.code != exitError || !strings.Contains(got.err, "not done within --timeout=50ms") {
		t.Errorf("nobody syncs: exit code %d and %q", got.code, got.err)
	}
	got = invokeIn(t, func(*environment) {}, "sync", "ignored", "-n", ns.Name, "--wait=false")
	if got.code != exitOK {
		t.Errorf("without waiting: exit code %d and %q", got.code, got.err)
	}
	inv := &v1alpha1.HarborInventory{}
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: ns.Name, Name: "ignored"}, inv); err != nil {
		t.Fatal(err)
	}
	if want := noon.Format(time.RFC3339Nano); inv.Annotations[v1alpha1.AnnotationRequestedAt] != want {
		t.Errorf("the annotation is %q, want %q", inv.Annotations[v1alpha1.AnnotationRequestedAt], want)
	}
}

// TestBillsOfMaterials holds that the libraries of both formats read what is
// written, and find each image once, by its digest.
func TestBillsOfMaterials(t *testing.T) {
	fill(t)
	lines := invokeIn(t, func(*environment) {}, "export", "-o", "jsonl")
	want := map[string]bool{}
	err := readLines(t.Context(), "lines", strings.NewReader(lines.out), func(a *Artifact) error {
		want[a.registry()+"/"+a.Repository+"@"+a.Digest] = true
		return nil
	})
	if err != nil || len(want) < 80 {
		t.Fatal(err, len(want))
	}

	var bom cyclonedx.BOM
	got := invokeIn(t, func(*environment) {}, "export", "-o", "cyclonedx")
	if err := cyclonedx.NewBOMDecoder(strings.NewReader(got.out), cyclonedx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatal(err)
	}
	if bom.SpecVersion != cyclonedx.SpecVersion1_6 || len(*bom.Components) != len(want) {
		t.Errorf("CycloneDX %s with %d components, want 1.6 with %d", bom.SpecVersion, len(*bom.Components), len(want))
	}
	for _, c := range *bom.Components {
		if !want[c.Name+"@"+c.Version] || c.BOMRef != c.Name+"@"+c.Version || !strings.HasPrefix(c.PackageURL, "pkg:oci/") {
			t.Errorf("component %s %s (%s)", c.Name, c.Version, c.PackageURL)
		}
	}

	got = invokeIn(t, func(*environment) {}, "export", "-o", "spdx")
	document, err := spdxjson.Read(bytes.NewReader([]byte(got.out)))
	if err != nil {
		t.Fatal(err)
	}
	if document.SPDXVersion != "SPDX-2.3" || len(document.Packages) != len(want) || len(document.Relationships) != len(want) {
		t.Errorf("%s with %d packages and %d relationships, want SPDX-2.3 with %d", document.SPDXVersion, len(document.Packages), len(document.Relationships), len(want))
	}
	for _, p := range document.Packages {
		if !want[p.PackageName+"@"+p.PackageVersion] {
			t.Errorf("package %s %s", p.PackageName, p.PackageVersion)
		}
	}
}

// TestCompletion asks as kubectl does.
func TestCompletion(t *testing.T) {
	fill(t)
	for _, tt := range []struct {
		line string
		want []string
		not  string
	}{
		{"status ", []string{"production", "staging"}, "small"},
		{"status production ", []string{"staging"}, "production"},
		{"sync -n edge ", []string{"small", "idle"}, "production"},
		{"list --inventory st", []string{"staging"}, "production"},
		{"list --namespace ed", []string{"edge"}, "registries"},
		{"list --match ", []string{"contains", "exact", "regex"}, ""},
		{"search --in ac", []string{"accessory"}, ""},
		{"export --output c", []string{"csv", "cyclonedx"}, ""},
		{"fetch --include V", []string{"Vulnerabilities"}, ""},
		{"", []string{"list", "search", "fetch"}, ""},
	} {
		args := append([]string{"__complete"}, strings.Split(tt.line, " ")...)
		got := strings.Split(invokeIn(t, func(*environment) {}, args...).out, "\n")
		for i := range got {
			got[i], _, _ = strings.Cut(got[i], "\t")
		}
		for _, want := range tt.want {
			if !slices.Contains(got, want) {
				t.Errorf("%q: %q is not offered, but %q", tt.line, want, got)
			}
		}
		if tt.not != "" && slices.Contains(got, tt.not) {
			t.Errorf("%q: %q is offered", tt.line, tt.not)
		}
	}
}

// TestInterrupted: Ctrl-C ends a command with an error.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var said bytes.Buffer
	e := &environment{now: time.Now}
	e.ErrOut, e.Out = &said, &said
	t.Setenv("KUBECONFIG", kubeconfig)
	if code := run(ctx, e, []string{"list"}); code != exitError || said.String() != "error: interrupted\n" {
		t.Errorf("exit code %d and %q", code, said.String())
	}
}

// TestOutputs holds that status and diff print in the formats of kubectl, too.
func TestOutputs(t *testing.T) {
	fill(t)
	for _, tt := range []struct {
		args []string
		want string
		code int
	}{
		{[]string{"status", "-A", "-o", "custom-columns=WHO:.metadata.name,HOLDS:.status.artifacts"}, "WHO          HOLDS\nidle         <none>\nsmall        9\nproduction   74\nstaging      12\n", exitOK},
		{[]string{"status", "staging", "-o", "custom-columns=READY:.status.conditions[*].status"}, "READY\nTrue,False\n", exitOK},
		{[]string{"status", "-o", "custom-columns=READY"}, "", exitUsage},
		{[]string{"diff", "staging", "production", "-r", "library/hello", "-o", "yaml"}, "items:\n- change: Added\n  repository: library/hello\n", exitDifferences},
		{[]string{"diff", "staging", "production", "-r", "library/hello", "-o", "jsonpath={.items[*].tag}"}, "latest", exitDifferences},
		{[]string{"diff", "staging", "production", "-r", "library/alpine", "-o", "json"}, "{\n    \"items\": []\n}\n", exitOK},
	} {
		got := invokeIn(t, func(*environment) {}, tt.args...)
		if got.code != tt.code || !strings.HasPrefix(got.out, tt.want) {
			t.Errorf("%q: %+v, want %q", tt.args, got, tt.want)
		}
	}
}
