// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Package egress decides which Harbors the operator may talk to. Whoever may
// create a HarborInventory chooses a URL that the operator then asks from its own
// place in the network; the administrator bounds that by a [Policy].
//
// Everything here is pure. A URL is judged as it stands ([Policy.Endpoint]),
// before anything is read or sent; an address is judged when it is about to be
// dialed ([Policy.Address]), so that it does not matter what a name resolved to
// before. The special addresses are those of the IANA registries for special
// purposes (RFC 6890), as far as nobody's Harbor is there, and those at which
// clouds hand out credentials.
package egress
