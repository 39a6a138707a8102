// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"time"
)

// FreeAddress returns a port of the loopback interface that nobody listens on. It
// is none of those that Linux chooses itself, from 32768 on (ip(7),
// ip_local_port_range): a connection or another listener could be given it before
// its user listens.
func FreeAddress(ctx context.Context) (string, error) {
	var config net.ListenConfig
	for tries := 1; ; tries++ {
		address := fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(12000)) //nolint:gosec // needs no secrecy
		listener, err := config.Listen(ctx, "tcp", address)
		if err == nil {
			return address, listener.Close()
		}
		if tries == 100 {
			return "", err
		}
	}
}

// Await asks until there is no error. When the context ends sooner, it returns
// the cause of that with the last error.
func Await(ctx context.Context, ask func(context.Context) error) error {
	var last error
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() == nil || last == nil {
			last = err
		}
		if cause := Pause(ctx, 20*time.Millisecond); cause != nil {
			return fmt.Errorf("%w: %w", cause, last)
		}
	}
}

// Answers returns what asks for an address once, and fails unless the answer is 200.
func Answers(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		return Get(ctx, address, nil)
	}
}

// Get asks for an address, and decodes the answer, which is JSON, unless that is
// nil. An answer other than 200 is an error.
func Get(ctx context.Context, address string, answer any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	return send(request, answer)
}

func send(request *http.Request, answer any) error {
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", request.URL, response.Status)
	}
	if answer == nil {
		return nil
	}
	return json.NewDecoder(response.Body).Decode(answer)
}

// Pause lets d pass; it returns the cause when the context ends sooner.
func Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
