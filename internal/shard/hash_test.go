// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package shard

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// fullEntry has a value in every field.
func fullEntry() v1alpha1.ArtifactEntry {
	e := entry(7, "latest", "v1")
	signed := false
	e.ArtifactType = "application/vnd.example"
	e.ImmutableTags = []string{"v1"}
	e.Platforms = []string{"linux/amd64"}
	e.Labels = []string{"<production>"}
	e.Annotations = map[string]v1alpha1.AnnotationValue{"b": "ä", "a": "", "c": "\u2028"}
	e.Vulnerabilities = &v1alpha1.Vulnerabilities{Severity: "High", VulnerabilityCounts: v1alpha1.VulnerabilityCounts{Total: 1, High: 1}}
	e.SBOM = &v1alpha1.SBOM{Digest: "sha256:1", MediaType: "application/spdx+json", ScanStatus: "Success"}
	e.Unavailable = []string{"vulnerabilities"}
	e.Signed = &signed
	e.Accessories = []v1alpha1.Accessory{{Type: "signature.cosign", Digest: "sha256:2", SizeBytes: 3}}
	e.Truncated = []string{"tags"}
	e.Totals = map[string]int32{"tags": 5000}
	return e
}

// The encoding must not change between versions of the operator: each list of
// each inventory would be read whole and written once more. Where it has to,
// hashVersion changes with it.
func TestHashIsStable(t *testing.T) {
	const want = "v1:fb4e8dc55fd0927eeb03b103a1852c9db8df913cf8b00412bc92e8f967a0ad96"
	first := fullEntry()
	first.SBOM.MediaType, first.Unavailable = "", nil // came later, and left the others' hash as it was
	if got := HashEntries([]v1alpha1.ArtifactEntry{first, entry(1)}).String(); got != want {
		t.Errorf("the hash of known entries was\n%s and is now\n%s", want, got)
	}
	if got, want := HashEntries(nil).String(), "v1:"+strings.Repeat("0", 64); got != want {
		t.Errorf("hash of no entries: %s, want %s", got, want)
	}
}

func TestFullEntryIsFull(t *testing.T) {
	value := reflect.ValueOf(fullEntry())
	for i := range value.NumField() {
		if value.Field(i).IsZero() {
			t.Errorf("fullEntry leaves %s empty", value.Type().Field(i).Name)
		}
	}
}

// Each field counts.
func TestHashSeesEveryField(t *testing.T) {
	full := fullEntry()
	seen := map[Hash]string{HashEntries([]v1alpha1.ArtifactEntry{full}): "nothing"}
	for i := range reflect.TypeFor[v1alpha1.ArtifactEntry]().NumField() {
		without := fullEntry()
		field := reflect.ValueOf(&without).Elem().Field(i)
		field.SetZero()
		hash, name := HashEntries([]v1alpha1.ArtifactEntry{without}), reflect.TypeOf(without).Field(i).Name
		if other, twice := seen[hash]; twice {
			t.Errorf("the same hash without %s and without %s", name, other)
		}
		seen[hash] = name
	}
}

// What the API server gives back has the hash of what was written: times in
// another zone, with nanoseconds, and empty slices and maps make no difference.
func TestHashSurvivesStorage(t *testing.T) {
	precise := metav1.NewMicroTime(time.Date(2026, 11, 23, 1, 2, 3, 456_789_123, time.FixedZone("", 3600)))
	odd := fullEntry()
	odd.PushTime = &precise
	empty := entry(2)
	empty.Tags, empty.Labels, empty.Totals = []string{}, []string{}, map[string]int32{}
	for _, e := range []v1alpha1.ArtifactEntry{fullEntry(), odd, empty} {
		var stored v1alpha1.ArtifactEntry
		if err := json.Unmarshal([]byte(asJSON(e)), &stored); err != nil {
			t.Fatal(err)
		}
		if a, b := HashEntries([]v1alpha1.ArtifactEntry{e}), HashEntries([]v1alpha1.ArtifactEntry{stored}); a != b {
			t.Errorf("%s before and %s after it was stored:\n%s", a, b, asJSON(e))
		}
	}
}

func TestWeighIsTheJSON(t *testing.T) {
	s := newScale()
	for _, e := range []v1alpha1.ArtifactEntry{fullEntry(), entry(1), {}} {
		encoded := asJSON(e)
		if got, want := s.weigh(&e), (weight{hash: sha256.Sum256([]byte(encoded)), size: len(encoded)}); got != want {
			t.Errorf("weigh(%s) = %v, want %v", encoded, got, want)
		}
	}
}

func TestHashAddIsAdditionModulo2To256(t *testing.T) {
	modulus := new(big.Int).Lsh(big.NewInt(1), 256)
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawHash(t, "a"), drawHash(t, "b")
		want := new(big.Int).Add(new(big.Int).SetBytes(a[:]), new(big.Int).SetBytes(b[:]))
		got := a.Add(b)
		if want.Mod(want, modulus).Cmp(new(big.Int).SetBytes(got[:])) != 0 {
			t.Fatalf("%s + %s = %s", a, b, got)
		}
	})
}

func drawHash(t *rapid.T, label string) Hash {
	var h Hash
	copy(h[:], rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 0x7f, 0x80, 0xff}), len(h), len(h)).Draw(t, label))
	return h
}

// However the entries are spread, and in whatever order, their hashes add up.
func TestHashIsAdditive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := drawDesired(t, "entries")
		parts := make([][]v1alpha1.ArtifactEntry, 4)
		for _, e := range all {
			i := rapid.IntRange(0, len(parts)-1).Draw(t, "part")
			parts[i] = slices.Insert(parts[i], rapid.IntRange(0, len(parts[i])).Draw(t, "place"), e)
		}
		var sum Hash
		for _, part := range parts {
			sum = sum.Add(HashEntries(part))
		}
		if sum != HashEntries(all) {
			t.Fatalf("the parts add up to %s, the whole is %s", sum, HashEntries(all))
		}
	})
}

func TestParseHash(t *testing.T) {
	valid := HashEntries(entries(0, 1)).String()
	for _, test := range []struct {
		name, text string
		ok         bool
	}{
		{"as written", valid, true},
		{"empty", "", false},
		{"another version", "v2:" + valid[3:], false},
		{"no version", valid[3:], false},
		{"upper case", "v1:" + strings.ToUpper(valid[3:]), false},
		{"one digit less", valid[:len(valid)-1], false},
		{"one digit more", valid + "0", false},
		{"not hex", valid[:len(valid)-1] + "g", false},
		{"a space at the end", valid[:len(valid)-1] + " ", false},
		{"very long", "v1:" + strings.Repeat("a", 1<<20), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			hash, err := ParseHash(test.text)
			if (err == nil) != test.ok {
				t.Fatalf("error %v", err)
			}
			if test.ok && hash.String() != test.text {
				t.Errorf("read as %s", hash)
			}
			if other := test.name == "another version"; errors.Is(err, ErrOtherVersion) != other {
				t.Errorf("error %v: of another version should be %t", err, other)
			}
			if err != nil && len(err.Error()) > 300 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
		})
	}
}

func FuzzParseHash(f *testing.F) {
	f.Add("")
	f.Add("v1:")
	f.Add(HashEntries(entries(0, 3)).String())
	f.Add("v1:" + strings.Repeat("F", 64))
	f.Fuzz(func(t *testing.T, text string) {
		hash, err := ParseHash(text)
		if err != nil {
			if hash != (Hash{}) {
				t.Errorf("an error and the hash %s", hash)
			}
			return
		}
		if hash.String() != text {
			t.Errorf("read %q as %s", text, hash)
		}
	})
}
