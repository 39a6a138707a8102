// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"io"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// sample has a value in each field that a filter looks at.
func sample() *Artifact {
	pushed, is := metav1.NewMicroTime(noon.Add(-48*time.Hour)), true
	return &Artifact{
		Harbor: "https://harbor.example.com:8443", Project: "team-a", Repository: "team-a/backend/api",
		ArtifactEntry: v1alpha1.ArtifactEntry{
			Digest: "sha256:0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9",
			Type:   "IMAGE", MediaType: "application/vnd.oci.image.config.v1+json", SizeBytes: 1 << 20, PushTime: &pushed,
			Tags: []string{"1.27.0", "Latest"}, Platforms: []string{"linux/amd64", "linux/arm64"}, Labels: []string{"approved", "release"},
			Annotations:     map[string]v1alpha1.AnnotationValue{"org.opencontainers.image.source": "https://git.example.com/api"},
			Vulnerabilities: &v1alpha1.Vulnerabilities{VulnerabilityCounts: v1alpha1.VulnerabilityCounts{Total: 3, Medium: 2, Other: 1, Fixable: 2}},
			Signed:          &is, Accessories: []v1alpha1.Accessory{{Type: "signature.cosign", Digest: "sha256:feed"}},
		},
	}
}

// bare has nothing but what each entry has.
func bare() *Artifact {
	return &Artifact{Harbor: "https://harbor.example.com", Project: "library", Repository: "library/x", ArtifactEntry: v1alpha1.ArtifactEntry{Digest: "sha256:ff"}}
}

// TestFilter gives the flags to search, as a user would, and asks what is let through.
func TestFilter(t *testing.T) {
	for _, tt := range []struct {
		flags        string
		sample, bare bool
	}{
		{"", true, true},
		{"--project team-a", true, false},
		{"--project TEAM", true, false},
		{"--project team --match exact", false, false},
		{"--project library --project team-a", true, true},
		{"--repository team-a/backend/api --match exact", true, false},
		{"--repository backend/api --match exact", true, false},
		{"--repository api --match exact", false, false},
		{"--repository ^team-a/.*/api$ --match regex", true, false},
		{"--tag latest", true, false},
		{"--tag latest --match exact", false, false},
		{"--tag Latest --match exact", true, false},
		{"--tag ^[0-9]+\\.[0-9]{1,2} --match regex", true, false},
		{"--tag v9 --tag 1.27", true, false},
		{"--digest 0A1B", true, false},
		{"--type IMAGE --match exact", true, false},
		{"--platform arm64", true, false},
		{"--platform linux/arm64 --platform windows", true, false},
		{"--label approved --label release", true, false},
		{"--label approved --label missing", false, false},
		{"--pushed-since 3d", true, false},
		{"--pushed-since 47h", false, false},
		{"--pushed-since 2026-11-22T12:00:00Z", true, false},
		{"--pushed-since 2026-11-23", false, false},
		{"--older-than 2026-11-23", true, false},
		{"--older-than 1d", true, false},
		{"--older-than 1w", false, false},
		{"--older-than 1d --pushed-since 1w", true, false},
		{"--severity critical", false, false},
		{"--severity high", false, false},
		{"--severity Medium", true, false},
		{"--severity low", true, false},
		{"--severity any", true, false},
		{"--scanned", true, false},
		{"--scanned=false", false, false}, // of the bare one, nobody knows yet
		{"--untagged", false, true},
		{"--untagged=false", true, false},
		{"--signed", true, false},
		{"--signed=false", false, false},
		{"--tag 1.27 --signed --severity medium --project team-a", true, false},
	} {
		t.Run(tt.flags, func(t *testing.T) {
			f := filterOf(t, tt.flags)
			if got := f.judge(sample()) == yes; got != tt.sample {
				t.Errorf("the sample: %v, want %v", got, tt.sample)
			}
			if got := f.judge(bare()) == yes; got != tt.bare {
				t.Errorf("the bare one: %v, want %v", got, tt.bare)
			}
		})
	}
}

func filterOf(t *testing.T, flags string) *Filter {
	t.Helper()
	var given filterFlags
	command := newVersion(&environment{})
	given.addFlags(command, matchContains)
	if err := command.ParseFlags(strings.Fields(flags)); err != nil {
		t.Fatal(err)
	}
	f, err := given.filter(noon)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestTerms(t *testing.T) {
	for _, tt := range []struct {
		mode, in, term string
		want           bool
	}{
		{matchContains, "tag", "1.27", true},
		{matchContains, "tag", "backend", false},
		{matchContains, "repository", "BACKEND", true},
		{matchContains, "project", "team", true},
		{matchContains, "digest", "0a1b2c", true},
		{matchContains, "label", "rel", true},
		{matchContains, "type", "vnd.oci.image", true},
		{matchExact, "type", "IMAGE", true},
		{matchContains, "platform", "arm", true},
		{matchContains, "annotation", "source=https://git.example.com", true},
		{matchContains, "accessory", "cosign", true},
		{matchContains, "accessory", "sha256:feed", true},
		{matchRegex, "tag", "^[0-9.]+$", true},
		{matchRegex, "tag", "(?i)^latest$", true},
		{matchExact, "tag", "latest", false},
	} {
		term, err := newMatcher(tt.mode, tt.term)
		if err != nil {
			t.Fatal(err)
		}
		f := &Filter{fields: []string{tt.in}, terms: []matcher{term}}
		if got := f.judge(sample()) == yes; got != tt.want {
			t.Errorf("%s %s %q: %v, want %v", tt.mode, tt.in, tt.term, got, tt.want)
		}
		if f.judge(bare()) == yes {
			t.Errorf("%s %s %q finds what has no such text", tt.mode, tt.in, tt.term)
		}
		f.terms = append(f.terms, func(string) bool { return false })
		if f.judge(sample()) == yes {
			t.Error("found, though one of two terms is not there")
		}
	}
}

// TestWrongUsage holds that a wrong command line is refused before anything is
// done, names flag, value and remedy, and ends with its own exit code.
func TestWrongUsage(t *testing.T) {
	for _, tt := range []struct{ line, want string }{
		{"list --match fuzzy", `--match="fuzzy": want contains, exact, regex`},
		{"list --tag ( --match regex", `--tag: "(" is no regular expression in RE2 syntax`},
		{"search ( --match regex", `"(" is no regular expression`},
		{"search x --in nowhere", `--in="nowhere": want accessory, annotation`},
		{"search x --in cve", "vulnerabilities are searched by --cve"},
		{"search", "nothing to search for: give a TERM, or a filter"},
		{"search --match exact", "nothing to search for"},
		{"search x --cve=", "--cve: an empty text is found everywhere"},
		{"search --cve ( --match regex", `--cve: "(" is no regular expression`},
		{"list --package openssl --min-version new", `--min-version "new" is no version`},
		{"tree --min-version 2 --max-version 1", `--max-version "1" is less than`},
		{"list --severity worst", `--severity="worst": want critical, high`},
		{"list --older-than soon", `--older-than="soon": want a time like 36h, 7d or 2w`},
		{"list --pushed-since -3h", `--pushed-since="-3h"`},
		{"list --chunk-size -1", "--chunk-size=-1: give a number"},
		{"list -o pretty", `--output="pretty": want wide, name`},
		{"list -o jsonpath={", "want a template like {.items[*].digest}"},
		{"list -o custom-columns=NAME", "want NAME:.path,NAME:.path"},
		{"list -o custom-columns=NAME:{}", "no JSONPath of a field"},
		{"list --sort-by {", "--sort-by:"},
		{"list extra", `unknown command "extra"`},
		{"list --nonsense", "unknown flag: --nonsense"},
		{"nonsense", `unknown command "nonsense"`},
		{"tree --depth root", `--depth="root": want project, repository`},
		{"export -o xml", `--output="xml": want csv, jsonl`},
		{"diff one", "accepts 2 arg(s)"},
		{"diff a b -o xml", `--output="xml": want wide`},
		{"diff @no-such-file b", "no-such-file"},
		{"diff a/ b", "want the name of an inventory"},
		{"status -o xml", `--output="xml": want wide`},
		{"status -A production", "--all-namespaces is for all inventories"},
		{"sync", "requires at least 1 arg"},
		{"version -o xml", `--output="xml": want json`},
		{"fetch", "--url is missing"},
		{"fetch --url http://h", "would send the credentials in clear text"},
		{"fetch --url http://me:secret@h", "--url=http://***@h would send"},
		{"fetch --url harbor.example.com", "must be like https://harbor.example.com"},
		{"fetch --url https://h --max-connections 0", "--max-connections=0: want 1 to 100"},
		{"fetch --url https://h --include Size", `--include="Size": want Labels`},
		{"fetch --url https://h -p [", `projects: "[" is not a valid pattern`},
		{"fetch --url https://h --ca-file main_test.go", "--ca-file=main_test.go holds no certificate"},
		{"fetch --url https://h --ca-file x --insecure-skip-tls-verify", "give only one of the two"},
		{"fetch --url https://h --password-file main_test.go", "no name that it belongs to"},
		{"fetch --url https://h -u me", "there is no password for me"},
		{"fetch --url https://h -u me --password-file -", "standard input must hold a password"},
		{"fetch --url https://h -o jsonpath={.items}", "--output=\"jsonpath={.items}\": want"},
	} {
		t.Run(tt.line, func(t *testing.T) {
			got := invokeIn(t, func(*environment) {}, strings.Fields(tt.line)...)
			if got.code != exitUsage || !strings.Contains(got.err, tt.want) || got.out != "" {
				t.Errorf("exit code %d, %q and %q; want %d and %q on standard error", got.code, got.out, got.err, exitUsage, tt.want)
			}
			if strings.Contains(got.err, "secret@") {
				t.Errorf("it tells a password: %s", got.err)
			}
		})
	}
}

// TestHelp holds that each command's help has what a stranger looks for.
func TestHelp(t *testing.T) {
	root := newCommand(process(genericiooptions.IOStreams{In: strings.NewReader(""), Out: io.Discard, ErrOut: io.Discard}))
	for _, command := range root.Commands() {
		if name := command.Name(); name == "version" || name == "completion" {
			continue
		}
		if command.Short == "" || command.Example == "" || !strings.Contains(command.Long, exitCodes) {
			t.Errorf("%s: its help lacks a summary, an example or the exit codes", command.Name())
		}
		for line := range strings.SplitSeq(command.Long, "\n") {
			if len(line) > 90 {
				t.Errorf("%s: a line of its help has %d columns: %s", command.Name(), len(line), line)
			}
		}
	}
}
