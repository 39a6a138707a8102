// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
)

// refusal is why a request is not taken, and what the sender is told of it:
// never anything that it sent.
type refusal struct {
	reason string // in the metric
	status int
	text   string
	// retryAfter in seconds, if it is worth another try.
	retryAfter int
	// hangUp closes the connection instead of reading the rest of the body.
	hangUp bool
}

var (
	badPath = &refusal{
		reason: "path", status: http.StatusNotFound,
		text: "no such path: a webhook policy sends to /v1/{namespace}/{name of the HarborInventory}",
	}
	badMethod = &refusal{reason: "method", status: http.StatusMethodNotAllowed, text: "a webhook is sent with POST"}
	// badAuthorization also when there is no such inventory: that is nobody's business.
	badAuthorization = &refusal{
		reason: "authorization", status: http.StatusUnauthorized,
		text: "not the Authorization value that the HarborInventory's Secret holds",
	}
	tooManyFailures = &refusal{
		reason: "failures", status: http.StatusTooManyRequests, retryAfter: 10,
		text: "too many requests with a wrong Authorization value",
	}
	tooManyLookups = &refusal{
		reason: "lookups", status: http.StatusTooManyRequests, retryAfter: 10,
		text: "too many requests for unknown HarborInventories",
	}
	noSecret = &refusal{
		reason: "secret", status: http.StatusServiceUnavailable, retryAfter: 5,
		text: "the Authorization value cannot be read at the moment",
	}
	tooManyEvents = &refusal{
		reason: "rate", status: http.StatusTooManyRequests, retryAfter: 5,
		text: "too many events for this HarborInventory",
	}
	tooManyLarge = &refusal{
		reason: "large", status: http.StatusTooManyRequests, retryAfter: 5, hangUp: true,
		text: "too many large bodies for this HarborInventory",
	}
	tooBusy = &refusal{
		reason: "busy", status: http.StatusServiceUnavailable, retryAfter: 1, hangUp: true,
		text: "too many requests at one time",
	}
	badType = &refusal{
		reason: "content-type", status: http.StatusUnsupportedMediaType,
		text: "want application/json (payload format Default) or application/cloudevents+json (CloudEvents), not compressed",
	}
	tooLarge = &refusal{reason: "size", status: http.StatusRequestEntityTooLarge, text: "the body is too large", hangUp: true}
	tooSlow  = &refusal{reason: "slow", status: http.StatusRequestTimeout, text: "the body came too slowly", hangUp: true}
	badEvent = &refusal{reason: "malformed", status: http.StatusBadRequest, text: harbor.ErrInvalidEvent.Error()}
	slack    = &refusal{reason: "slack", status: http.StatusBadRequest, text: harbor.ErrSlackEvent.Error()}
	badName  = &refusal{reason: "name", status: http.StatusBadRequest, text: harbor.ErrEventName.Error()}
)

// refusals are all there are.
var refusals = []*refusal{
	badPath, badMethod, badAuthorization, tooManyFailures, tooManyLookups, noSecret, tooManyEvents, tooManyLarge, tooBusy,
	badType, tooLarge, tooSlow, badEvent, slack, badName,
}

// unreadable is why a body could not be decoded.
func unreadable(err error) *refusal {
	var limit *http.MaxBytesError
	switch {
	case errors.As(err, &limit):
		return tooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return tooSlow
	case errors.Is(err, harbor.ErrSlackEvent):
		return slack
	case errors.Is(err, harbor.ErrEventName):
		return badName
	}
	return badEvent
}

func (r *refusal) answer(w http.ResponseWriter) {
	header := w.Header()
	header.Set("Content-Type", "text/plain; charset=utf-8")
	if r.status == http.StatusMethodNotAllowed {
		header.Set("Allow", http.MethodPost)
	}
	if r.retryAfter > 0 {
		header.Set("Retry-After", strconv.Itoa(r.retryAfter))
	}
	if r.hangUp {
		header.Set("Connection", "close")
	}
	w.WriteHeader(r.status)
	_, _ = io.WriteString(w, r.text+"\n") //nolint:gosec // one of the constant texts above; an error: the client may have gone
}
