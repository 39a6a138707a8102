// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Package harbortest is a Harbor in the process: a [Registry] holds projects,
// repositories and artifacts and changes them as Harbor does; a [Handler] serves
// it over HTTP with the answers of Harbor's API v2.0 for everything that an
// inventory reads. Latency and faults can be switched on and off, requests are
// counted, and [Registry.Listed] tells at any instant what a correct inventory
// holds.
//
//	func TestInventory(t *testing.T) {
//		reg := harbortest.Recorded() // or New, Generated, Believable
//		srv := harbortest.NewServer(t, reg, harbortest.Options{Latency: 5 * time.Millisecond})
//		remove := srv.Inject(harbortest.Rule{
//			Class: harbortest.ClassArtifacts, Rate: 0.1, Fault: harbortest.Gateway(502),
//		})
//		digest := reg.Push("library/nginx", harbortest.Image{Tags: []string{"1.29.0"}})
//		sync(srv.URL, "robot$inventory", "secret")
//		remove()
//		want, _ := reg.Listed()
//		if highest := srv.Stats().Highest; highest > 5 { ... }
//	}
//
// The answers are checked, byte by byte, against recordings of a running Harbor
// v2.16.0-c50c7ddd6e (TestConformance). The simulator has its own model and its
// own JSON and shares no type with the client, so that a mistake of the client
// cannot hide in it.
//
// Webhooks of policies ([Registry.AddWebhook], or Harbor's API) are sent to real
// addresses; [WebhookOptions] can lose, repeat and delay them.
//
// What is not simulated: Harbor's writing endpoints (403) but those of webhook
// policies, the registry API below /v2, the security hub, quotas and their
// events, and every other endpoint that is no [Class]; rows that change between
// the parts of one answer (an answer is one instant here); PostgreSQL's collation
// (text is ordered by bytes) and its order of rows that a sort leaves equal (here
// by id).
package harbortest
