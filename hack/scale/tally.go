// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
)

// tally counts kills by when they came.
type tally struct {
	before, amid, after int // the sync's writes
	writes              int64
}

func (t *tally) add(written []int64, all int64) {
	for _, n := range written {
		switch n {
		case 0:
			t.before++
		case all:
			t.after++
		default:
			t.amid++
		}
	}
	t.writes += all
}

// amid is the number of kills amid the writes of a sync.
func (k *killing) amid() int {
	n := 0
	for _, t := range k.tally {
		n += t.amid
	}
	return n
}

func (k *killing) report(out io.Writer) error {
	t := newTable("Killed in a", "Kills before its first write", "amid its writes", "after its last write", "List writes", "Undisturbed")
	total := tally{}
	for _, kind := range []string{firstTime, changed, repacked, idle} {
		n := k.tally[kind]
		undisturbed := ""
		if usual := k.usual[kind]; usual.time > 0 {
			undisturbed = cell(usual.time)
		}
		t.row(kind, n.before, n.amid, n.after, n.writes, undisturbed)
		total.before, total.amid, total.after = total.before+n.before, total.amid+n.amid, total.after+n.after
	}
	if total.amid == 0 {
		return errors.New("no kill came amid the writes of a sync, so nothing is shown")
	}
	if err := t.write(out); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\n%d kills. After each of them the next sync left the lists exactly as Harbor was: no artifact twice, none missing, no list without an owner. "+
		"No version of any list among them lacked an artifact that had been shown and that Harbor held, and none showed an older state than a version before.\n",
		total.before+total.amid+total.after)
	return err
}
