// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"bytes"
	"compress/gzip"
	_ "embed" // of recordedWebhooks
	"encoding/json"
	"net/http"
)

//go:embed testdata/webhooks/webhooks.json.gz
var recordedWebhooks []byte

// RecordedWebhook is a request that a running Harbor sent.
type RecordedWebhook struct {
	// Name tells the cause, the policy and the event's type, such as
	// "01-push-tagged.default.PUSH_ARTIFACT".
	Name string
	// Format is the policy's: Default, CloudEvents or Slack.
	Format string
	Header http.Header
	Body   string
}

// RecordedWebhooks returns all of testdata/webhooks, in the order of names.
func RecordedWebhooks() []RecordedWebhook {
	zipped, err := gzip.NewReader(bytes.NewReader(recordedWebhooks))
	if err != nil {
		panic(err) // cannot be: it is part of the program
	}
	var files []struct {
		Name          string `json:"name"`
		PayloadFormat string `json:"payload_format"`
		Request       struct {
			Headers []struct {
				Name  string `json:"name"`
				Value string `json:"value"`
			} `json:"headers"`
			BodyText string `json:"bodyText"`
		} `json:"request"`
	}
	if err := json.NewDecoder(zipped).Decode(&files); err != nil {
		panic(err)
	}
	all := make([]RecordedWebhook, 0, len(files))
	for _, f := range files {
		webhook := RecordedWebhook{Name: f.Name, Format: f.PayloadFormat, Header: http.Header{}, Body: f.Request.BodyText}
		for _, h := range f.Request.Headers {
			webhook.Header.Add(h.Name, h.Value)
		}
		all = append(all, webhook)
	}
	return all
}
