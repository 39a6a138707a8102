// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// requestLimit bounds one request to Harbor, with the reading of its answer.
const requestLimit = time.Minute

// registry is the Harbor of the demo.
type registry interface {
	// access is how the operator gets at it.
	access() *endpoint
	// listed returns every artifact that it lists now.
	listed(ctx context.Context) ([]artifact, error)
	// steady: nobody but the demo changes it.
	steady() bool
}

// simulator is a running harborsim.
type simulator struct{ base string }

// The account that harborsim has in every data set; see package harbortest.
func (s *simulator) access() *endpoint {
	return &endpoint{url: s.base, username: "robot$inventory", password: "secret"}
}

func (*simulator) steady() bool { return true }

func (s *simulator) listed(ctx context.Context) ([]artifact, error) {
	var answer struct{ Artifacts []artifact }
	err := s.call(ctx, http.MethodGet, "/simulator/listed", nil, &answer)
	return answer.Artifacts, err
}

// push stores a new image under a tag and returns its digest.
func (s *simulator) push(ctx context.Context, repository, tag string) (digest string, err error) {
	var answer struct{ Digest string }
	err = s.call(ctx, http.MethodPost, "/simulator/push", map[string]string{"repository": repository, "tag": tag}, &answer)
	return answer.Digest, err
}

func (s *simulator) call(ctx context.Context, method, path string, body, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, s.base+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: the simulator answered %s", method, path, response.Status)
	}
	return json.NewDecoder(response.Body).Decode(answer)
}

// await asks for an address until it answers 200.
func await(ctx context.Context, address string) error {
	for {
		err := get(ctx, address)
		if err == nil {
			return nil
		}
		if pause(ctx, 50*time.Millisecond) != nil {
			return fmt.Errorf("%s does not answer: %w", address, err)
		}
	}
}

func get(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("status %s", response.Status)
	}
	return nil
}

// pause returns an error when the context ends sooner.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
