// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

// texts holds strings, so that equal ones need memory once.
type texts struct {
	all map[string]string
	// recent is a short way to the texts that come again and again: names of
	// members, types, the repository's name. They stand there as they do in JSON,
	// without escape sequences and valid, and outlast an answer.
	recent [256]string
}

// keptShared is how many texts a decoder that waits for its next answer has room for.
const keptShared = 512

// recently returns the place in recent of a text that long, with these bytes at
// its ends and in its middle.
func (t *texts) recently(b []byte) *string {
	if len(b) == 0 {
		return &t.recent[0]
	}
	hash := len(b)*31 ^ int(b[0]) ^ int(b[len(b)-1])<<3 ^ int(b[len(b)/2])<<5
	return &t.recent[hash%len(t.recent)]
}

// share returns b as a string that equal ones share.
func (t *texts) share(b []byte) string {
	if recent := *t.recently(b); recent == string(b) {
		return recent
	}
	if known, ok := t.all[string(b)]; ok {
		return known
	}
	s := string(b)
	if len(s) <= maxSharedBytes && len(t.all) < maxShared {
		if t.all == nil {
			t.all = map[string]string{}
		}
		t.all[s] = s
	}
	return s
}

// forget makes ready for another answer.
func (t *texts) forget() {
	if len(t.all) > keptShared {
		t.all = nil
	}
	clear(t.all)
}
