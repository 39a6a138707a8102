// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// memoryShare is the part of the container's memory limit that Go may use
// before it collects more often; the rest is for what the limit of Go's runtime
// does not count.
const memoryShare = 0.9

// limitMemory sets GOMEMLIMIT to that share, unless the environment has it
// already, and says what it did. provider gives the container's limit.
func limitMemory(log func(message string, keysAndValues ...any), provider memlimit.Provider) {
	limit, err := memlimit.Set(memlimit.WithRatio(memoryShare), memlimit.WithProvider(provider))
	switch {
	case err != nil:
		log("the memory limit of the container is not known", "reason", err.Error())
	case limit == math.MaxInt64:
		log("memory is not limited")
	default:
		log("memory is limited", "GOMEMLIMIT", limit)
	}
}
