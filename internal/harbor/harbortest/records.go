// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// instant is a time in microseconds since the Unix epoch, PostgreSQL's
// resolution. never stands for NULL, which the API shows as year 1.
type instant int64

const never instant = 0

func toInstant(t time.Time) instant {
	if t.IsZero() || t.Year() <= 1 {
		return never
	}
	return instant(t.UnixMicro())
}

func (i instant) time() time.Time { return time.UnixMicro(int64(i)).UTC() }

// digest is a sha256 digest in binary.
type digest [32]byte

func (d digest) String() string { return "sha256:" + hex.EncodeToString(d[:]) }

func parseDigest(s string) (digest, error) {
	var d digest
	text, ok := strings.CutPrefix(s, "sha256:")
	if !ok || len(text) != hex.EncodedLen(len(d)) {
		return d, fmt.Errorf("digest %q: want sha256: and 64 hexadecimal digits", s)
	}
	if _, err := hex.Decode(d[:], []byte(text)); err != nil {
		return d, fmt.Errorf("digest %q: want sha256: and 64 hexadecimal digits", s)
	}
	return d, nil
}

// project, repository, artifact and tag are the rows. Pointers between them
// take the place of foreign keys; every slice of artifacts is in order of id.
type project struct {
	id          int64
	allowlistID int64
	name        string
	public      bool
	ownerID     int64
	ownerName   string
	created     instant
	updated     instant
	// immutable holds tag patterns of immutability rules, matched with path.Match.
	immutable    []string
	storageHard  int64
	storageUsed  int64
	repositories map[string]*repository
	artifacts    []*artifact
	policies     []*policy // of webhooks, in order of id
}

type repository struct {
	id          int64
	project     *project
	name        string // with the project's: library/nginx
	description string
	created     instant
	updated     instant
	pulls       int64
	artifacts   []*artifact
}

// rest is the name without the project's.
func (r *repository) rest() string { return r.name[len(r.project.name)+1:] }

// artifact is kept small: a registry of a million of them has to fit in some
// hundred MiB. Only artifacts with something out of the ordinary have extra;
// the other fields of the API are derived from kind and digest when asked for.
type artifact struct {
	id     int64
	repo   *repository
	kind   *kind
	extra  *extra
	tags   []tag
	size   int64
	pushed instant
	pulled instant
	digest digest
	// parents counts the indexes that refer to the artifact.
	parents int32
	// accessory is true when the artifact is an accessory of another, or of a
	// digest that does not exist.
	accessory bool
}

// listed reports whether a listing shows the artifact: one with a tag, or one
// that no index refers to; never an accessory (src/pkg/artifact/dao/dao.go).
func (a *artifact) listed() bool { return !a.accessory && (len(a.tags) > 0 || a.parents == 0) }

type tag struct {
	id     int64
	name   string
	pushed instant
	pulled instant
}

// kind holds what all artifacts of one sort have in common. Kinds are shared.
type kind struct {
	typ               string
	mediaType         string
	manifestMediaType string
	artifactType      string
	icon              string
	// additions names the addition_links besides those of a scan, in order.
	additions string
	// scannable adds the links vulnerabilities and sboms.
	scannable bool
	// derived is true when extra_attrs is made up from the digest.
	derived bool
	// scanned is true when the scan's result is made up from the digest.
	scanned bool
}

// extra holds the rarer properties. JSON is kept as Harbor sends it.
type extra struct {
	attrs       []byte
	annotations []byte
	references  []reference
	labels      []int64
	accessories []*artifact
	// link is set on an accessory.
	link *accessoryLink
	scan []byte
	sbom []byte
	// sbomDigest is the digest in sbom.
	sbomDigest string
	// additions by name (vulnerabilities, build_history, ...).
	additions map[string]addition
}

type addition struct {
	contentType string
	body        []byte
}

type reference struct {
	child       *artifact
	digest      string
	platform    []byte
	annotations []byte
	urls        []byte
}

type accessoryLink struct {
	id            int64
	typ           string
	icon          string
	created       instant
	subject       *artifact // nil when it does not exist
	subjectDigest string
}

// label is a row of the label table.
type label struct {
	id          int64
	name        string
	description string
	color       string
	scope       string // "g" or "p"
	projectID   int64
	created     instant
	updated     instant
}

// more returns the artifact's extra, making it when there is none.
func (a *artifact) more() *extra {
	if a.extra == nil {
		a.extra = &extra{}
	}
	return a.extra
}

func (a *artifact) labelIDs() []int64 {
	if a.extra == nil {
		return nil
	}
	return a.extra.labels
}

func (a *artifact) tag(name string) *tag {
	for i := range a.tags {
		if a.tags[i].name == name {
			return &a.tags[i]
		}
	}
	return nil
}
