// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"bytes"
	"cmp"
	"compress/gzip"
	_ "embed" // the recorded content
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"
)

// recordedContent is made from the recordings in testdata; see
// TestRecordedIsCurrent, whose flag -update writes it.
//
//go:embed recorded.json.gz
var recordedContent []byte

// Secrets of the accounts of [Recorded].
const (
	RecordedRobotSecret   = "secret"
	RecordedGuestSecret   = "Guest12345"
	RecordedLimitedSecret = "Limited12345"
)

// Recorded returns the content of the Harbor that the recordings were taken
// from, at the time of its full listings: 11 projects, 61 repositories and the
// artifacts in them, with the ids, digests and times of the original. (The 1,731
// artifacts of perf/big20k, which nobody listed, are made up.)
//
//	admin                 Harbor12345   administrator
//	robot$inventory       secret        system robot, /project/*
//	robot$inventory-sys   secret        the same with rights of system scope
//	robot$team-a+ci       secret        robot of the project team-a
//	gwen                  Guest12345    guest of team-a
//	limited               Limited12345  limited guest of data.science
func Recorded(options ...Option) *Registry {
	c := readRecorded()
	r, err := c.load(options...)
	if err != nil {
		panic(err) // the content is part of the program
	}
	r.addRecordedAccounts()
	return r
}

// readRecorded decodes the content once; registries share what they never change.
var readRecorded = sync.OnceValue(func() *content {
	c := &content{}
	zipped, err := gzip.NewReader(bytes.NewReader(recordedContent))
	if err == nil {
		err = json.NewDecoder(zipped).Decode(c)
	}
	if err != nil {
		panic(err) // the content is part of the program
	}
	return c
})

// addRecordedAccounts adds the accounts, as far as their projects exist.
func (r *Registry) addRecordedAccounts() {
	roles := func(all map[string]Role) map[string]Role {
		maps.DeleteFunc(all, func(name string, _ Role) bool { return r.projects[name] == nil })
		return all
	}
	r.AddUser(User{Name: AdminName, Secret: AdminSecret, Admin: true, RealName: "system admin", Comment: "admin user"})
	r.AddUser(User{
		Name: "gwen", Secret: RecordedGuestSecret, Roles: roles(map[string]Role{"team-a": Guest, "x": ProjectAdmin}),
		RealName: "Gwen Example", Email: "gwen@example.org",
	})
	r.AddUser(User{Name: "dev1", Secret: RecordedGuestSecret, Roles: roles(map[string]Role{"team-a": Developer})})
	r.AddUser(User{Name: "limited", Secret: RecordedLimitedSecret, Roles: roles(map[string]Role{"data.science": LimitedGuest})})
	r.AddRobot(Robot{Name: "ci", Secret: RecordedRobotSecret, Project: "team-a"})
	r.AddRobot(Robot{Name: "inventory", Secret: RecordedRobotSecret})
	r.AddRobot(Robot{Name: "inventory-sys", Secret: RecordedRobotSecret, SystemScope: true})
	r.mu.Lock()
	defer r.mu.Unlock()
	admin, gwen := r.accounts[AdminName], r.accounts["gwen"]
	admin.created = toInstant(time.Date(2026, 11, 22, 23, 57, 15, 727e6, time.UTC))
	admin.updated = toInstant(time.Date(2026, 11, 22, 23, 57, 17, 989e6, time.UTC))
	gwen.created = toInstant(time.Date(2026, 11, 22, 23, 57, 39, 117e6, time.UTC))
	gwen.updated = gwen.created
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
