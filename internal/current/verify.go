// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package current

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// Due tells whether it is a repository's turn to be read in full, whatever else
// is known of it: once in each interval, at a time of it that its name decides. So
// the load is flat without any state, and no matter when the process began. Last
// is when it was read last; the zero time is never.
//
// Who asks at least every so often, and reads what is due, reads each repository
// again within the interval and that much more: see [Interval].
func Due(repository string, last, now time.Time, interval time.Duration) bool {
	hash := sha256.Sum256([]byte(repository))
	phase := time.Duration(binary.BigEndian.Uint64(hash[:]) % uint64(interval)) //nolint:gosec // an interval is positive
	turn := now.Add(-phase).Truncate(interval).Add(phase)                       // the last one
	return last.Before(turn)
}

// Interval returns the interval for [Due] with which each repository is read
// within the given time, where it is asked for every so often; but at least half
// of the given time.
func Interval(within, every time.Duration) time.Duration {
	return max(within/2, within-every)
}
