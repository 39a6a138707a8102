// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package shard

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation"
	"pgregory.net/rapid"
)

func TestNamer(t *testing.T) {
	long := strings.Repeat("a", 63)
	for _, test := range []struct {
		inventory, repository string
		index                 int
		want                  string
	}{
		{"production", "library/nginx", 0, "production-3d6726de3c3211b8-0"},
		{"production", "library/nginx", 12345, "production-3d6726de3c3211b8-12345"},
		{"production", "team-a/backend/services/payment/v2", 1, "production-7e6373e7aca117a9-1"},
		{"eu.production", "library/nginx", 0, "eu.production-3d6726de3c3211b8-0"},
		{long, "library/nginx", 999_999_999, long + "-3d6726de3c3211b8-999999999"},
		{long + "b", "library/nginx", 0, strings.Repeat("a", 52) + "-97aa7c540d-3d6726de3c3211b8-0"},
	} {
		namer := NewNamer(test.inventory, test.repository)
		if got := namer.Name(test.index); got != test.want {
			t.Errorf("name %d of %s in %s: %s, want %s", test.index, test.repository, test.inventory, got, test.want)
		}
		if index, ok := namer.Index(test.want); !ok || index != test.index {
			t.Errorf("Index(%s) = %d, %t", test.want, index, ok)
		}
	}
}

func TestNamerIndexOfOtherNames(t *testing.T) {
	prefix := strings.TrimSuffix(testNamer.Name(0), "0")
	for _, name := range []string{
		"", prefix, prefix + "00", prefix + "01", prefix + "-1", prefix + "+1", prefix + "1x", prefix + " 1",
		prefix + "1000000000", prefix + "99999999999999999999", prefix + "٣", // Arabic-Indic digit three
		"x" + prefix + "0", strings.ToUpper(prefix) + "0", "production-0",
		NewNamer("production", "library/alpine").Name(0), NewNamer("staging", "library/nginx").Name(0),
	} {
		if index, ok := testNamer.Index(name); ok || index != 0 {
			t.Errorf("Index(%q) = %d, %t", name, index, ok)
		}
	}
}

// drawInventory draws names of HarborInventories, many of them alike.
func drawInventory(t *rapid.T, label string) string {
	return rapid.OneOf(
		rapid.StringMatching(`[ab]([ab.-]{0,3}[ab0])?`).Filter(isSubdomain),
		rapid.StringMatching(`a{60,70}[a-c0-9]{1,3}`),
		rapid.SampledFrom([]string{"a-3d6726de3c3211b8", "a-3d6726de3c3211b8-0", "a", "a-0"}),
	).Draw(t, label)
}

func isSubdomain(name string) bool { return len(validation.IsDNS1123Subdomain(name)) == 0 }

func TestNamesAreValidAndNeverCollide(t *testing.T) {
	owners := map[string]string{} // over all draws
	rapid.Check(t, func(t *rapid.T) {
		inventory := drawInventory(t, "inventory")
		repository := rapid.StringMatching(`[a-c]{1,2}/[a-c]{1,3}(/[a-c-]{1,60})?`).Draw(t, "repository")
		index := rapid.IntRange(0, 999_999_999).Draw(t, "index")
		namer := NewNamer(inventory, repository)
		name := namer.Name(index)
		if problems := validation.IsDNS1123Subdomain(name); len(problems) > 0 {
			t.Fatalf("%s: %v", name, problems)
		}
		if got, ok := namer.Index(name); !ok || got != index {
			t.Fatalf("Index(%s) = %d, %t", name, got, ok)
		}
		owner := inventory + " " + repository
		if other, taken := owners[namer.Name(0)]; taken && other != owner {
			t.Fatalf("%s belongs to %s and to %s", namer.Name(0), owner, other)
		}
		owners[namer.Name(0)] = owner
	})
}

func TestRepositoryHash(t *testing.T) {
	const want = "3d6726de3c3211b827f6ec4ef92c8695" // printf library/nginx | sha256sum | cut -c1-32
	if got := RepositoryHash("library/nginx"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestProjectLabel(t *testing.T) {
	long := strings.Repeat("p", 64)
	for _, test := range []struct{ project, want string }{
		{"library", "library"},
		{"data.science", "data.science"},
		{"platform_core", "platform_core"},
		{"2nd", "2nd"},
		{"", ""},
		{long[:63], long[:63]},
		{long, long[:52] + "-153ac90a80"},
		{strings.Repeat("p", 51) + ".p" + long, strings.Repeat("p", 51) + "-980380fa5b"},
		{"-library-", "library-aa28bf2088"},
		{"ünïcode", "n-code-b8be8967e4"},
		{"///", "732c4e9711"},
	} {
		got := ProjectLabel(test.project)
		if got != test.want {
			t.Errorf("%q: %s, want %s", test.project, got, test.want)
		}
	}
}

func TestProjectLabelsAreValidAndDiffer(t *testing.T) {
	projects := map[string]string{}
	rapid.Check(t, func(t *rapid.T) {
		project := rapid.OneOf(rapid.String(), rapid.StringMatching(`a{50,70}[._-]{1,3}[ab]{1,12}`), rapid.StringMatching(`[a-z0-9]+([._-][a-z0-9]+)*`)).Draw(t, "project")
		label := ProjectLabel(project)
		if problems := validation.IsValidLabelValue(label); len(problems) > 0 {
			t.Fatalf("%q: %v", label, problems)
		}
		if len(validation.IsValidLabelValue(project)) == 0 && label != project {
			t.Fatalf("%q became %q without need", project, label)
		}
		if other, taken := projects[label]; taken && other != project {
			t.Fatalf("%q stands for %q and for %q", label, project, other)
		}
		projects[label] = project
	})
}

// Every name that a Namer gives leads back to its inventory, others to none.
func TestInventoryOf(t *testing.T) {
	for _, inventory := range []string{"production", "a", "a-b", "team.example", "x-3d6726de3c3211b8-0"} {
		for _, i := range []int{0, 7, 10, 999_999_999} {
			name := NewNamer(inventory, "library/nginx").Name(i)
			if got, ok := InventoryOf(name); !ok || got != inventory {
				t.Errorf("%s: got %q, %t; want %q", name, got, ok, inventory)
			}
		}
	}
	for _, name := range []string{
		"", "copy", "production-0", "production-3d6726de3c3211b8", "production-3d6726de3c3211b8-", "production-3d6726de3c3211b8-01",
		"production-3d6726de3c3211b-0", "production-3D6726DE3C3211B8-0", "production-3d6726de3c3211bx-0", "-3d6726de3c3211b8-0", "3d6726de3c3211b8-0",
	} {
		if got, ok := InventoryOf(name); ok {
			t.Errorf("%q: got the inventory %q", name, got)
		}
	}
}
