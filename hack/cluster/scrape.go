// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Scrape reads a manager's metrics over HTTPS with a token of a ServiceAccount,
// and fails unless the operator's own are among them. Nobody can verify the
// certificate: the manager makes it at its start.
func (c *Cluster) Scrape(ctx context.Context, address string, account client.ObjectKey) error {
	token, err := c.Token(ctx, account)
	if err != nil {
		return err
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // see above
	defer transport.CloseIdleConnections()
	// The API server may not know of a new binding at once.
	return Await(ctx, func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+address+"/metrics", nil)
		if err != nil {
			return err
		}
		request.Header.Set("Authorization", "Bearer "+token)
		response, err := (&http.Client{Transport: transport}).Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK {
			return fmt.Errorf("the metrics are answered with %s: %w", response.Status, err)
		}
		if !bytes.Contains(text, []byte("\nharbor_inventory_")) && !bytes.Contains(text, []byte("\nharborinventory_")) {
			return fmt.Errorf("there are no metrics of the operator among %d bytes", len(text))
		}
		return nil
	})
}
