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

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
)

// Scrape reads the metrics over HTTPS as a Prometheus does that is bound to the
// ClusterRole reader, and fails unless the operator's own are among them.
func (d *Deployed) Scrape(ctx context.Context, c *Cluster, reader string) error {
	scraper := client.ObjectKey{Namespace: d.Account.Namespace, Name: "prometheus"}
	for _, o := range []client.Object{
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: scraper.Namespace, Name: scraper.Name}},
		&rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: scraper.Name},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: reader},
			Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: scraper.Namespace, Name: scraper.Name}},
		},
	} {
		if err := c.Client.Create(ctx, o); err != nil {
			return err
		}
		defer func() { _ = c.Client.Delete(ctx, o) }()
	}
	token, err := c.Token(ctx, scraper)
	if err != nil {
		return err
	}
	// Nobody can verify the certificate: the manager makes it at its start.
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // see above
	defer transport.CloseIdleConnections()
	// The API server may not know of a new binding at once.
	return testbed.Await(ctx, func(ctx context.Context) error {
		return scrape(ctx, &http.Client{Transport: transport}, "https://"+d.Metrics+"/metrics", token)
	})
}

func scrape(ctx context.Context, c *http.Client, address, token string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := c.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", address, response.Status)
	}
	if !bytes.Contains(text, []byte("\nharbor_inventory_")) {
		return fmt.Errorf("there are no metrics of the operator among the %d bytes of %s", len(text), address)
	}
	return nil
}
