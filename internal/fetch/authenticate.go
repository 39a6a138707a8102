// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

// authenticationWaits are the waits before each try; together they outlast the
// 1.5 s for which Harbor locks a user name after somebody's wrong password, and
// a passing shortage of database connections.
var authenticationWaits = []time.Duration{0, 500 * time.Millisecond, 1600 * time.Millisecond, 3 * time.Second}

// authenticate asks Harbor for its system information, which holds the version
// for authenticated callers only. An answer as to an anonymous caller is asked
// for again before it is believed.
func authenticate(ctx context.Context, client *harbor.Client) (harbor.SystemInfo, error) {
	for _, wait := range authenticationWaits {
		if err := sleep(ctx, wait); err != nil {
			return harbor.SystemInfo{}, err
		}
		info, known, err := authenticated(ctx, client)
		if err != nil || known {
			return info, err
		}
	}
	return harbor.SystemInfo{}, ErrAuthenticationFailed
}

// authenticated asks once whether Harbor knows the credentials. There is nothing
// to know about a client that has none.
func authenticated(ctx context.Context, client *harbor.Client) (info harbor.SystemInfo, known bool, err error) {
	info, err = client.SystemInfo(ctx)
	if errors.Is(err, harbor.ErrUnauthorized) {
		return info, false, nil // a proxy in front may say so; Harbor itself does not
	}
	return info, err == nil && (client.Anonymous() || info.Authenticated()), err
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ctx.Err(), context.Cause(ctx))
	}
}

// permittedTries is how often a 403 is asked for before it is believed.
const permittedTries = 3

// permitted asks again where Harbor says 403, which it does too when its database
// does not give it the caller's rights (recording database-short-of-connections).
func permitted[T any](ask func() (T, error)) (answer T, err error) {
	for range permittedTries {
		if answer, err = ask(); !errors.Is(err, harbor.ErrForbidden) {
			break
		}
	}
	return answer, err
}
