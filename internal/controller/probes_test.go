// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// The probes of an operator at work succeed, and say what they looked at.
func TestProbes(t *testing.T) {
	t.Parallel()
	for path, checks := range map[string][]string{"healthz": {"syncs"}, "readyz": {"cache", "webhooks"}} {
		eventually(t, func() string {
			response, err := http.Get("http://" + probes + "/" + path + "?verbose")
			if err != nil {
				return err.Error()
			}
			defer response.Body.Close()
			text, err := io.ReadAll(response.Body)
			if err != nil || response.StatusCode != http.StatusOK {
				return fmt.Sprintf("%s: %s %v\n%s", path, response.Status, err, text)
			}
			for _, check := range checks {
				if !strings.Contains(string(text), "[+]"+check+" ok") {
					return fmt.Sprintf("%s does not look at %s:\n%s", path, check, text)
				}
			}
			return ""
		})
	}
}
