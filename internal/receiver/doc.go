// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Package receiver takes the webhooks of Harbor over HTTP and makes hints of
// them: look at this repository again. A hint is never believed in any other
// way, so that whoever can forge one can cause a request to Harbor and no wrong
// inventory.
//
// A request passes, in this order, what costs least first:
//
//	POST /v1/{namespace}/{name}, any other request is refused
//	the Authorization value of that inventory, before a byte of the body is read
//	the content type and the length, the rate of large ones
//	the event in the body, decoded as a stream
//	events of no interest, and those received before: answered and dropped
//	the rate of events for that inventory
//	the folding queue, which passes hints on
//
// The answer does not wait for what becomes of the hint: Harbor gives up after
// 3 s, and sends an event 3 times in all, about 30 s and 100 s after the first.
// Only a status of 2xx is a success for it, so an event that nobody wants is
// answered with 200 as well.
//
// Traffic that is no good must not keep events out. So nothing that is counted
// against a failed request (its remote address, the number of Secrets read for
// names nobody knows) is ever asked of a request with the right Authorization
// value, and of too many connections those are closed that have waited longest
// for a request.
package receiver
