// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package shard

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"regexp"
	"strings"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// hashVersion begins the text of every Hash. It changes with the encoding that
// is hashed, so that hashes of two encodings never compare equal by accident.
const hashVersion = "v1:"

// A Hash stands for a set of entries, whatever their order. It is the sum,
// modulo 2^256, of the SHA-256 of each entry's encoding. So the hashes of a
// repository's lists add up to the hash of all of its entries, however these
// are spread over the lists. The zero Hash is that of no entries. An entry that
// is there twice counts twice.
//
// It tells of change; it is no seal: whoever chooses the entries could, with
// effort, make two sets of one hash.
type Hash [sha256.Size]byte

// HashEntries returns the hash of the entries. Their encoding, of version v1, is
// the JSON that encoding/json makes of an entry, which is also what the API
// server stores: fields in the order of the type, empty ones left out, map keys
// sorted, times in UTC to the microsecond. A field that is added to the type
// leaves the hash of entries without it as it was.
func HashEntries(entries []v1alpha1.ArtifactEntry) Hash {
	var total Hash
	s := newScale()
	for i := range entries {
		total = total.Add(s.weigh(&entries[i]).hash)
	}
	return total
}

// Add returns the hash of both sets together. It is commutative and associative.
func (h Hash) Add(other Hash) Hash {
	var sum Hash
	var carry uint64
	for at := len(h) - 8; at >= 0; at -= 8 { // the least significant word is the last
		var word uint64
		word, carry = bits.Add64(binary.BigEndian.Uint64(h[at:]), binary.BigEndian.Uint64(other[at:]), carry)
		binary.BigEndian.PutUint64(sum[at:], word)
	}
	return sum
}

// String returns the hash as "v1:" and 64 lower-case hex digits.
func (h Hash) String() string { return hashVersion + hex.EncodeToString(h[:]) }

// ErrOtherVersion is the error of a hash whose encoding this version of the
// operator does not know: another version has written the list.
var ErrOtherVersion = errors.New("its encoding is of another version")

// otherVersion matches the beginning of any version's hash.
var otherVersion = regexp.MustCompile(`^v[0-9]{1,4}:[0-9a-f]+$`)

// ParseHash reads what String returns, and nothing else: not upper-case digits,
// and not other versions, whose error is ErrOtherVersion. A hash that cannot be
// read means that the entries have to be compared themselves.
func ParseHash(text string) (Hash, error) {
	var h Hash
	digits, ok := strings.CutPrefix(text, hashVersion)
	if !ok && otherVersion.MatchString(text) {
		return Hash{}, fmt.Errorf("content hash: %w", ErrOtherVersion)
	}
	if !ok || len(digits) != hex.EncodedLen(len(h)) || strings.ToLower(digits) != digits {
		return Hash{}, hashError(text)
	}
	if _, err := hex.Decode(h[:], []byte(digits)); err != nil {
		return Hash{}, hashError(text)
	}
	return h, nil
}

func hashError(text string) error {
	const shown = 80
	if len(text) > shown {
		text = text[:shown]
	}
	return fmt.Errorf("content hash %q: want %q and %d lower-case hex digits; remove it to have it written again",
		text, hashVersion, hex.EncodedLen(len(Hash{})))
}

// weight is what packing has to know of an entry.
type weight struct {
	hash Hash // of this entry alone
	size int  // of its JSON, in bytes
}

// scale weighs entries one after the other, in one buffer.
type scale struct {
	buffer  bytes.Buffer
	encoder *json.Encoder
}

func newScale() *scale {
	s := &scale{}
	s.encoder = json.NewEncoder(&s.buffer)
	return s
}

func (s *scale) weigh(entry *v1alpha1.ArtifactEntry) weight {
	s.buffer.Reset()
	if err := s.encoder.Encode(entry); err != nil {
		// The type holds strings, integers, times, and slices and maps of these, all
		// of which can be encoded; a buffer takes every write.
		panic(fmt.Sprintf("encode artifact entry %q: %v", entry.Digest, err))
	}
	encoded := bytes.TrimSuffix(s.buffer.Bytes(), []byte("\n"))
	return weight{hash: sha256.Sum256(encoded), size: len(encoded)}
}
