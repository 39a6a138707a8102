// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"cmp"
	"time"
)

// Limits of a [Receiver] and its [Server]. A zero field has the default that
// its comment names.
type Limits struct {
	// BodyBytes bounds the body of a request: 1 MiB. The largest that Harbor
	// sends tells of a retention run, about 100 bytes for each deleted artifact.
	BodyBytes int64
	// BodyTimeout bounds the time that reading a body takes: 2 s. Harbor gives up
	// after 3 s.
	BodyTimeout time.Duration
	// BodyMemory bounds the memory in which bodies are decoded at one time: 32 MiB.
	BodyMemory int64
	// InWork bounds the requests that are worked on at one time: 1024.
	InWork int
	// Connections bounds the open connections of a server: 2048.
	Connections int
	// HeaderTimeout bounds the time from a connection, or the first byte of
	// another request on it, to the end of the header: 3 s.
	HeaderTimeout time.Duration

	// SecretTTL is how long an Authorization value is believed, and how long a
	// name without one is taken for unknown: 10 s.
	SecretTTL time.Duration
	// LookupRate bounds how often in a second [Secrets] is asked for names that
	// are not known to exist: 20. Known ones are asked for once in SecretTTL each.
	LookupRate int
	// FailureRate bounds the requests of one remote address with a wrong
	// Authorization value that are answered 401, in a second: 10. Those above it
	// are answered 429. The right value is never kept out.
	FailureRate int
	// EventRate bounds the events for one inventory that were not received
	// before, in a second: 500, and four times as many at once.
	EventRate int
	// LargeRate bounds the bodies of more than 16 KiB for one inventory, and those
	// whose length is not said before, in a second: 20, and twice as many at once.
	LargeRate int

	// Repeats is how long an event is remembered to know it again: 10 min. The
	// last try of Harbor comes about 2 min after the event.
	Repeats time.Duration
	// Remembered bounds the number of those events: 16,384.
	Remembered int

	// Quiet is how long a hint waits for more of its kind: 80 ms, and no longer
	// than Longest in all: 1 s.
	Quiet, Longest time.Duration
	// Repositories bounds the hints of an inventory that wait at one time: 1,000.
	// Where there are more, one for a whole project takes their place.
	Repositories int
}

func (l Limits) orDefaults() Limits {
	return Limits{
		BodyBytes:     cmp.Or(l.BodyBytes, 1<<20),
		BodyTimeout:   cmp.Or(l.BodyTimeout, 2*time.Second),
		BodyMemory:    cmp.Or(l.BodyMemory, 32<<20),
		InWork:        cmp.Or(l.InWork, 1024),
		Connections:   cmp.Or(l.Connections, 2048),
		HeaderTimeout: cmp.Or(l.HeaderTimeout, 3*time.Second),
		SecretTTL:     cmp.Or(l.SecretTTL, 10*time.Second),
		LookupRate:    cmp.Or(l.LookupRate, 20),
		FailureRate:   cmp.Or(l.FailureRate, 10),
		EventRate:     cmp.Or(l.EventRate, 500),
		LargeRate:     cmp.Or(l.LargeRate, 20),
		Repeats:       cmp.Or(l.Repeats, 10*time.Minute),
		Remembered:    cmp.Or(l.Remembered, 16384),
		Quiet:         cmp.Or(l.Quiet, 80*time.Millisecond),
		Longest:       cmp.Or(l.Longest, time.Second),
		Repositories:  cmp.Or(l.Repositories, 1000),
	}
}
