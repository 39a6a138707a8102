// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// requestLimit bounds one request to the simulator, with the reading of its answer.
const requestLimit = time.Minute

// The account that the simulator has in every data set; see package harbortest.
const (
	SimulatorAccount = "robot$inventory"
	SimulatorSecret  = "secret"
)

// AllowSimulator are the manager's flags that allow it a Harbor on this machine
// over plain HTTP.
var AllowSimulator = []string{"--allowed-harbor-cidrs=127.0.0.0/8", "--allow-plain-http"}

// Simulator is a simulated Harbor that runs, like command harborsim.
type Simulator struct{ Base string }

// Listed returns every artifact that it lists now.
func (s *Simulator) Listed(ctx context.Context) ([]Artifact, error) {
	var answer struct{ Artifacts []Artifact }
	err := s.Call(ctx, http.MethodGet, "/simulator/listed", nil, &answer)
	return answer.Artifacts, err
}

// Push stores a new image under a tag and returns its digest.
func (s *Simulator) Push(ctx context.Context, repository, tag string) (digest string, err error) {
	var answer struct{ Digest string }
	err = s.Call(ctx, http.MethodPost, "/simulator/push", map[string]string{"repository": repository, "tag": tag}, &answer)
	return answer.Digest, err
}

// Tag gives an artifact a tag, also one that another artifact has, which loses it.
func (s *Simulator) Tag(ctx context.Context, repository, digest, tag string) error {
	return s.Call(ctx, http.MethodPost, "/simulator/tag", map[string]string{"repository": repository, "reference": digest, "tag": tag}, &struct{}{})
}

// Delete deletes an artifact, named by a tag or its digest.
func (s *Simulator) Delete(ctx context.Context, repository, reference string) error {
	return s.Call(ctx, http.MethodPost, "/simulator/delete", map[string]string{"repository": repository, "reference": reference}, &struct{}{})
}

// Call sends a request with a body as JSON and decodes the answer.
func (s *Simulator) Call(ctx context.Context, method, path string, body, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, s.Base+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	return send(request, answer)
}
