// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package shard

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

const (
	// maxLabelValue is the greatest length of a label value in Kubernetes, in
	// bytes (k8s.io/apimachinery, util/validation: LabelValueMaxLength). The name
	// of a HarborInventory has the same bound, because it becomes such a value.
	maxLabelValue = 63

	// repositoryHashLength is how many hex digits of a SHA-256 stand for a
	// repository in a name: 64 bits, so that nobody makes two repositories meet.
	repositoryHashLength = 16

	// cutHashLength is how many hex digits end a name that was cut.
	cutHashLength = 10

	// maxIndexDigits bounds the index in a list's name.
	maxIndexDigits = 9
)

// A Namer makes the names of one repository's lists:
//
//	production-3d6726de3c3211b8-0
//	---------- ---------------- -
//	inventory  repository       index, from 0, in decimal digits
//
// where the repository is the first 16 hex digits of the SHA-256 of its full
// name. The names are deterministic, so that a write which is repeated after a
// crash meets the object that the first try has made. They are valid names of
// Kubernetes objects (DNS subdomains, at most 253 characters) wherever the
// inventory's is: 63 + 1 + 16 + 1 + 9 = 90 characters at most.
type Namer struct{ prefix, repository string }

// NewNamer returns the Namer of a repository, given by its full name, in an
// inventory. An inventory's name is at most 63 characters; a longer one would
// be cut and end in a hash of the whole, so that two with a common beginning
// still differ.
func NewNamer(inventory, repository string) Namer {
	return Namer{
		prefix:     cutName(inventory, maxLabelValue) + "-" + hexSHA256(repository)[:repositoryHashLength] + "-",
		repository: repository,
	}
}

// Name returns the name of list i, from 0 to 999,999,999.
func (n Namer) Name(i int) string { return n.prefix + strconv.Itoa(i) }

// Index is the inverse of Name. It returns false for a name that Name never
// returns, like one of another repository or an index with leading zeros.
func (n Namer) Index(name string) (int, bool) {
	digits, ok := strings.CutPrefix(name, n.prefix)
	if !ok || !isIndex(digits) {
		return 0, false
	}
	i, err := strconv.Atoi(digits)
	return i, err == nil
}

// Prefix returns the beginning of a list's name that all lists of its repository
// and inventory have in common: "production-3d6726de3c3211b8-". It is empty for
// a name that no Namer makes.
func Prefix(name string) string {
	rest, index, ok := cutLast(name)
	if !ok || !isIndex(index) {
		return ""
	}
	return rest + "-"
}

// Prefix returns the beginning that the names have in common.
func (n Namer) Prefix() string { return n.prefix }

// InventoryOf returns the inventory that gives such a name to a list, of whatever
// repository; false if none does. What somebody writes into the labels of a list
// cannot change its name.
func InventoryOf(list string) (inventory string, ok bool) {
	rest, index, ok := cutLast(list)
	inventory, repository, named := cutLast(rest)
	_, err := hex.DecodeString(repository)
	return inventory, ok && named && inventory != "" && isIndex(index) &&
		len(repository) == repositoryHashLength && err == nil && repository == strings.ToLower(repository)
}

// cutLast slices a name around its last dash.
func cutLast(name string) (before, after string, ok bool) {
	i := strings.LastIndexByte(name, '-')
	if i < 0 {
		return name, "", false
	}
	return name[:i], name[i+1:], true
}

// describe tells a person which list a name stands for: "list 2 of library/nginx".
func (n Namer) describe(name string) string {
	if i, ok := n.Index(name); ok {
		return fmt.Sprintf("list %d of %s", i, n.repository)
	}
	return name
}

func isIndex(digits string) bool {
	if digits == "" || len(digits) > maxIndexDigits || digits[0] == '0' && digits != "0" {
		return false
	}
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// RepositoryHash returns the value of the label harborinventory.io/repository-hash:
// the first half of the SHA-256 of the repository's full name, as 32 hex digits.
func RepositoryHash(repository string) string { return hexSHA256(repository)[:sha256.Size] }

// ProjectLabel returns the value of the label harborinventory.io/project: the
// project's name as it is where that is a valid label value, which every name
// up to 63 characters that Harbor admits is. Of any other name, what a label
// value cannot hold is replaced by "-", and it is cut and ended with 10 hex
// digits of the SHA-256 of the whole.
func ProjectLabel(project string) string {
	clean := strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r == '.' || isAlphanumeric(r) {
			return r
		}
		return '-'
	}, project)
	trimmed := strings.TrimFunc(clean, func(r rune) bool { return !isAlphanumeric(r) })
	if trimmed == project && len(project) <= maxLabelValue {
		return project
	}
	return strings.TrimPrefix(endInHash(trimmed, project, maxLabelValue), "-")
}

func isAlphanumeric(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}

// cutName returns name, or, where it is longer than limit bytes, its beginning
// and a hash of the whole.
func cutName(name string, limit int) string {
	if len(name) <= limit {
		return name
	}
	return endInHash(name, name, limit)
}

// endInHash returns as much of name as leaves room for "-" and a hash of whole
// within limit bytes. What stands before the "-" ends in a letter or digit.
func endInHash(name, whole string, limit int) string {
	if room := limit - 1 - cutHashLength; len(name) > room {
		name = name[:room]
	}
	name = strings.TrimRightFunc(name, func(r rune) bool { return !isAlphanumeric(r) })
	return name + "-" + hexSHA256(whole)[:cutHashLength]
}

func hexSHA256(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
