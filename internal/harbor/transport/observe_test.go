// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"context"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestObserve(t *testing.T) {
	for _, tt := range []struct {
		about string
		wire  func(*http.Request) (*http.Response, error)
		use   func(*Attempt, *http.Response)
		want  Observation
	}{
		{
			"answered", func(req *http.Request) (*http.Response, error) {
				time.Sleep(time.Second)
				return answer(http.StatusOK, &trickle{req, time.Second, 5}), nil
			}, func(_ *Attempt, resp *http.Response) { _, _ = io.Copy(io.Discard, resp.Body) },
			Observation{Status: 200, Duration: 6 * time.Second, Bytes: 5},
		},
		{"answered with an error", func(*http.Request) (*http.Response, error) {
			return answer(http.StatusBadGateway, http.NoBody), nil
		}, nil, Observation{Status: 502}},
		{"no answer", fail, nil, Observation{Failure: FailureConnection}},
		{
			"the body breaks off", func(req *http.Request) (*http.Response, error) {
				return answer(http.StatusOK, io.MultiReader(&trickle{req, 0, 3}, broken{})), nil
			}, func(_ *Attempt, resp *http.Response) { _, _ = io.Copy(io.Discard, resp.Body) },
			Observation{Status: 200, Bytes: 3, Failure: FailureConnection},
		},
		{
			"too slow", func(req *http.Request) (*http.Response, error) {
				return answer(http.StatusOK, waiting{req}), nil
			}, func(_ *Attempt, resp *http.Response) { _, _ = io.Copy(io.Discard, resp.Body) },
			Observation{Status: 200, Duration: 30 * time.Second, Failure: FailureTimeout},
		},
		{"the content is wrong", ok("<html>"), func(a *Attempt, resp *http.Response) {
			_, _ = io.Copy(io.Discard, resp.Body)
			a.Fail(FailureInvalid)
		}, Observation{Status: 200, Bytes: 6, Failure: FailureInvalid}},
	} {
		t.Run(tt.about, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got []Observation
				tripper := Observe(Timeouts{}.Bound(roundTrip(tt.wire)), func(o Observation) { got = append(got, o) })
				attempt := &Attempt{Endpoint: "artifacts.list", Try: 3, After: "503"}
				resp, err := tripper.RoundTrip(get(t, "http://harbor.example.com").WithContext(WithAttempt(t.Context(), attempt)))
				if err == nil {
					if tt.use != nil {
						tt.use(attempt, resp)
					}
					resp.Body.Close()
					resp.Body.Close() // once only
				}
				if len(got) == 1 && got[0].Context.Value(attemptKey{}) == attempt {
					got[0].Context = nil // it is the request's
				}
				tt.want.Endpoint, tt.want.Try, tt.want.After, tt.want.Method = "artifacts.list", 3, "503", http.MethodGet
				if diff := cmp.Diff([]Observation{tt.want}, got); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestObserveTheCallersEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var got []Observation
		tripper := Observe(roundTrip(func(req *http.Request) (*http.Response, error) {
			return nil, pause(req.Context(), time.Hour)
		}), func(o Observation) { got = append(got, o) })
		_, _ = read(tripper, get(t, "http://harbor.example.com").WithContext(ctx))
		for i := range got {
			got[i].Context = nil // TestObserve looks at it
		}
		want := []Observation{{Method: http.MethodGet, Try: 1, Duration: time.Second, Failure: FailureCanceled}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestNoObserver(t *testing.T) {
	n, err := read(Observe(ok("abc"), nil), get(t, "http://harbor.example.com"))
	if n != 3 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errReset }
