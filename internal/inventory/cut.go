// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"sort"
	"unicode/utf8"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// MaxEntryBytes is the greatest size of an entry as JSON: 64 KiB. Four such
// entries come to the size of a list.
const MaxEntryBytes = 64 << 10

// The bounds of the schema, as the markers in api/v1alpha1 give them; lengths in
// characters where nothing else is said.
const (
	maxText        = 255 // digests, types, media types, the scanner
	maxWord        = 64  // severity and scan status
	maxElement     = 128 // a tag, platform or label
	maxTags        = 1000
	maxPlatforms   = 100
	maxLabels      = 200
	maxAccessories = 100
	maxAnnotations = 64

	maxAnnotationBytes    = 1024 // of a value; Harbor's client cuts at the same length
	maxAnnotationKeyBytes = 1024 // the schema has no bound for keys; Harbor's client leaves longer ones out
)

// cuttingOrder is the order in which fields give way to MaxEntryBytes. Without
// all of them an entry is far below it: texts come to 14 KiB at most, if each
// of their characters takes six bytes.
var cuttingOrder = []string{"annotations", "accessories", "labels", "platforms", "immutableTags", "tags"}

// draft is an entry in the making.
type draft struct {
	entry  v1alpha1.ArtifactEntry
	fields []*field
	totals map[string]int32 // by the names of the fields that were cut
}

// field is a part of an entry that has elements.
type field struct {
	name  string
	total int         // different elements in Harbor
	shown int         // elements in the entry
	short bool        // some element is cut, or was before it came here
	show  func(n int) // shows the n elements that matter most
}

// list adds a field of which Harbor has total elements and the schema takes bound.
func (d *draft) list(name string, total, bound int, short bool, show func(n int)) {
	f := &field{name: name, total: total, shown: min(total, bound), short: short, show: show}
	f.show(f.shown)
	d.fields = append(d.fields, f)
}

// cut names what is cut already, by the schema or by those who read it from
// Harbor, cuts further where the entry is too large, and returns it.
func (d *draft) cut(before []string) v1alpha1.ArtifactEntry {
	for _, f := range d.fields {
		if f.short || f.shown < f.total || slices.Contains(before, f.name) {
			d.mark(f.name, f.total)
		}
	}
	d.nameCuts()
	if d.atMost() <= MaxEntryBytes {
		return d.entry // as nearly all are, and need not be encoded to know it
	}
	for _, name := range cuttingOrder {
		if d.size() <= MaxEntryBytes {
			break
		}
		for _, f := range d.fields {
			if f.name == name && f.shown > 0 {
				d.shrink(f)
			}
		}
	}
	return d.entry
}

// shrink shows as many elements of a field as the entry has room for, and at
// least one less than before.
func (d *draft) shrink(f *field) {
	d.mark(f.name, f.total)
	d.nameCuts()
	try := func(n int) int {
		f.show(n)
		return d.size()
	}
	tooMany := sort.Search(f.shown, func(n int) bool { return try(n) > MaxEntryBytes })
	f.shown = max(tooMany-1, 0)
	f.show(f.shown)
}

// text returns a text cut to so many characters, and notes it.
func (d *draft) text(name, text string, characters int) string {
	text = valid(text)
	short, cut := cutText(text, characters)
	if cut {
		d.mark(name, max(int(d.totals[name]), utf8.RuneCountInString(text)))
	}
	return short
}

// anyLong tells whether some element is longer than the schema takes.
func anyLong(elements []string) bool {
	return slices.ContainsFunc(elements, func(e string) bool {
		_, cut := cutText(e, maxElement)
		return cut
	})
}

// mark notes that a field shows less than the total.
func (d *draft) mark(name string, total int) {
	if d.totals == nil {
		d.totals = map[string]int32{}
	}
	d.totals[name] = int32(min(total, math.MaxInt32)) //nolint:gosec // it fits after min
}

// nameCuts writes what was marked into the entry.
func (d *draft) nameCuts() {
	d.entry.Truncated = slices.Sorted(maps.Keys(d.totals))
	d.entry.Totals = d.totals
}

// atMost is a size that the entry as JSON never exceeds, in bytes: of a text
// each byte takes six at most, and of what is around the texts of a field or an
// element nothing is longer than is allowed for here.
func (d *draft) atMost() int {
	const aroundFields, aroundElement, perByte = 2048, 64, 6
	e := &d.entry
	texts := len(e.Digest) + len(e.Type) + len(e.MediaType) + len(e.ManifestMediaType) + len(e.ArtifactType)
	elements := len(e.Totals)
	for _, list := range [...][]string{e.Tags, e.ImmutableTags, e.Platforms, e.Labels, e.Truncated, slices.Collect(maps.Keys(e.Totals))} {
		elements += len(list)
		for _, text := range list {
			texts += len(text)
		}
	}
	for key, value := range e.Annotations {
		elements++
		texts += len(key) + len(value)
	}
	for _, a := range e.Accessories {
		elements++
		texts += len(a.Type) + len(a.Digest)
	}
	if v := e.Vulnerabilities; v != nil {
		texts += len(v.Severity) + len(v.ScanStatus) + len(v.Scanner)
	}
	if s := e.SBOM; s != nil {
		texts += len(s.Digest) + len(s.MediaType) + len(s.ScanStatus)
	}
	return aroundFields + elements*aroundElement + texts*perByte
}

// size of the entry as JSON, in bytes.
func (d *draft) size() int {
	encoded, err := json.Marshal(&d.entry)
	if err != nil {
		// The type holds strings, integers, times, and slices and maps of these, all
		// of which can be encoded.
		panic(fmt.Sprintf("encode artifact entry %q: %v", d.entry.Digest, err))
	}
	return len(encoded)
}

// shorten returns the elements, cut to the schema's length, sorted and each once.
func shorten(elements []string) []string {
	if len(elements) == 0 {
		return nil
	}
	shown := make([]string, len(elements))
	for i, element := range elements {
		shown[i], _ = cutText(element, maxElement)
	}
	return distinct(shown)
}

// cutText returns at most so many characters of a valid text, and whether that
// is less than all.
func cutText(text string, characters int) (string, bool) {
	if len(text) <= characters { // no character is shorter than a byte
		return text, false
	}
	n := 0
	for at := range text {
		if n == characters {
			return text[:at], true
		}
		n++
	}
	return text, false
}

// cutBytes returns at most so many bytes of a valid text, cut between two
// characters, and whether that is less than all.
func cutBytes(text string, bytes int) (string, bool) {
	if len(text) <= bytes {
		return text, false
	}
	for !utf8.RuneStart(text[bytes]) {
		bytes--
	}
	return text[:bytes], true
}
