// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	_ "sigs.k8s.io/controller-runtime/pkg/client/config" // declares --kubeconfig
)

// parse reads flags as main does.
func parse(args ...string) (*settings, error) {
	var s settings
	flags := flag.NewFlagSet("manager", flag.ContinueOnError)
	flags.SetOutput(&bytes.Buffer{})
	s.register(flags)
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	return &s, s.check()
}

func TestBadFlagsAreRefused(t *testing.T) {
	for _, c := range []struct {
		args string
		says []string
	}{
		{"--namespaces=team_a", []string{"-namespaces", `"team_a"`, "like team-a,team-b"}},
		{"--namespaces=a,-b", []string{"-namespaces", `"-b"`}},
		{"--watch-label-selector=shard=a=b", []string{"-watch-label-selector", "like shard=a"}},
		{"--allowed-harbor-hosts=a.example.com,https://b.example.com", []string{"-allowed-harbor-hosts", `"https://b.example.com"`, "without scheme", "like harbor.example.com"}},
		{"--allowed-harbor-cidrs=10.0.0.1/8", []string{"-allowed-harbor-cidrs", `"10.0.0.1/8"`, "10.0.0.0/8"}},
		{"--denied-harbor-cidrs=all", []string{"-denied-harbor-cidrs", `"all"`, "like 10.0.0.0/8"}},
		{"--leader-elect --leader-elect-id=No_Name", []string{"--leader-elect-id", `"No_Name"`}},
		{"--leader-elect --leader-elect-lease-duration=10s", []string{"--leader-elect-renew-deadline 10s", "--leader-elect-lease-duration 10s", "less"}},
		{"--leader-elect --leader-elect-retry-period=9s", []string{"--leader-elect-retry-period 9s", "--leader-elect-renew-deadline 10s"}},
		{"--leader-elect --leader-elect-retry-period=0s", []string{"--leader-elect-retry-period 0s"}},
		{
			"--leader-elect --leader-elect-lease-duration=900ms --leader-elect-renew-deadline=500ms --leader-elect-retry-period=100ms",
			[]string{"--leader-elect-lease-duration", "1s or more"},
		},
	} {
		_, err := parse(strings.Fields(c.args)...)
		for _, word := range c.says {
			if err == nil || !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %v; want %s in it", c.args, err, word)
			}
		}
	}
	if _, err := parse("--leader-elect-retry-period=9s"); err != nil {
		t.Errorf("without --leader-elect its other flags mean nothing: %v", err)
	}
}

// Replicas have the same Lease, operators with different work do not.
func TestLeaseName(t *testing.T) {
	names := map[string]string{}
	for _, c := range []struct {
		name string
		same []string // lines of flags
	}{
		{"everything", []string{"", "--namespaces=", "--watch-label-selector="}},
		{"shard a", []string{"--watch-label-selector=shard=a", "--watch-label-selector=shard=a --writers=1"}},
		{"shard b", []string{"--watch-label-selector=shard=b"}},
		{"the rest", []string{"--watch-label-selector=zone=x,shard!=a", "--watch-label-selector=shard!=a,zone=x"}},
		{"namespaces", []string{"--namespaces=x,y", "--namespaces=y,x,,y"}},
		{"a namespace", []string{"--namespaces=x"}},
		{"shard a of namespaces", []string{"--namespaces=x,y --watch-label-selector=shard=a"}},
		{"named", []string{"--leader-elect-id=mine", "--leader-elect-id=mine --namespaces=x"}},
	} {
		for _, line := range c.same {
			s, err := parse(append(strings.Fields(line), "--leader-elect")...)
			if err != nil {
				t.Errorf("%s: %v", line, err)
				continue
			}
			if was, ok := names[s.leaseName()]; ok && was != c.name {
				t.Errorf("%s has the Lease %s of %s", c.name, s.leaseName(), was)
			}
			names[s.leaseName()] = c.name
		}
	}
	if len(names) != 8 {
		t.Errorf("%d Leases, want 8: %v", len(names), names)
	}
	if names["harborinventory.io"] != "everything" || names["mine"] != "named" {
		t.Errorf("Leases %v", names)
	}
}

func TestCacheOfNamedNamespaces(t *testing.T) {
	s, err := parse("--namespaces=b,a,b")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for name := range s.cache().DefaultNamespaces {
		names = append(names, name)
	}
	slices.Sort(names)
	if diff := cmp.Diff([]string{"a", "b"}, names); diff != "" {
		t.Error(diff)
	}
	all, err := parse()
	if err != nil {
		t.Fatal(err)
	}
	if all.cache().DefaultNamespaces != nil {
		t.Errorf("without --namespaces the cache is bound to %v", all.cache().DefaultNamespaces)
	}
}

// TestFlagsTable holds that docs/operations.md has a row for each flag and for
// nothing else, with its default, and its meaning in the words of --help. The
// words for flags that libraries declare are free.
func TestFlagsTable(t *testing.T) {
	text, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(line, "| `--"); ok {
			name, _, _ = strings.Cut(name, "`")
			documented[name] = strings.TrimSpace(line)
		}
	}
	flags := flag.NewFlagSet("manager", flag.ContinueOnError)
	var s settings
	s.register(flags)
	if kubeconfig := flag.Lookup("kubeconfig"); kubeconfig != nil { // a library's, on the command line of every program with it
		flags.Var(kubeconfig.Value, kubeconfig.Name, kubeconfig.Usage)
	}
	flags.VisitAll(func(f *flag.Flag) {
		row, usage := documented[f.Name], f.Usage
		delete(documented, f.Name)
		cells := strings.Split(row, " | ")
		if len(cells) != 3 {
			t.Errorf("--%s has no row of three cells: %q", f.Name, row)
			return
		}
		standard := "none"
		if f.DefValue != "" {
			standard = fmt.Sprintf("`%s`", f.DefValue)
		}
		if cells[1] != standard {
			t.Errorf("--%s: the default is %s, want %s", f.Name, cells[1], standard)
		}
		if got := strings.TrimSuffix(cells[2], " |"); got != usage && !strings.HasPrefix(f.Name, "zap-") && f.Name != "kubeconfig" {
			t.Errorf("--%s: the meaning is\n%s\nwant\n%s", f.Name, got, usage)
		}
	})
	for name := range documented {
		t.Errorf("the table has a row for --%s, which is no flag", name)
	}
}
