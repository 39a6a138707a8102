// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
)

// bareLoop asks the simulator for everything that the manager has asked for so
// far, in the same order, over so many connections, and drops the answers. It
// returns how long that took.
func (b *bed) bareLoop(ctx context.Context, connections int) (time.Duration, int, error) {
	var targets []string
	if err := b.harbor.Call(ctx, http.MethodGet, requestsPath, nil, &targets); err != nil {
		return 0, 0, err
	}
	transport := &http.Transport{MaxIdleConnsPerHost: connections}
	defer transport.CloseIdleConnections()
	harbor := &http.Client{Transport: transport}
	started := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(connections)
	for _, target := range targets {
		group.Go(func() error {
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, b.harbor.Base+target, nil)
			if err != nil {
				return err
			}
			request.SetBasicAuth(testbed.SimulatorAccount, testbed.SimulatorSecret)
			return drop(harbor, request, http.StatusOK)
		})
	}
	err := group.Wait()
	return time.Since(started), len(targets), err
}

// object is an ArtifactList ready to be sent.
type object struct {
	body []byte
}

// harvest returns the lists of a namespace as bodies of requests that create the
// same in another one.
func (b *bed) harvest(ctx context.Context, from, to string) ([]object, error) {
	var objects []object
	next := ""
	for {
		var page v1alpha1.ArtifactListList
		if err := b.kube.List(ctx, &page, client.InNamespace(from), client.Limit(200), client.Continue(next)); err != nil {
			return nil, err
		}
		for i := range page.Items {
			l := &page.Items[i]
			l.APIVersion, l.Kind = v1alpha1.GroupVersion.String(), "ArtifactList"
			l.Namespace = to
			l.ResourceVersion, l.UID, l.Generation, l.ManagedFields = "", "", 0, nil
			l.CreationTimestamp.Reset()
			body, err := json.Marshal(l)
			if err != nil {
				return nil, err
			}
			objects = append(objects, object{body})
		}
		if next = page.Continue; next == "" {
			return objects, nil
		}
	}
}

// onlyMetadata spares both sides the entries in the answers.
const onlyMetadata = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"

// bareWriter creates objects with so many requests in flight and does nothing
// else. It returns how long that took.
func (b *bed) bareWriter(ctx context.Context, namespace string, objects []object, writers int) (time.Duration, error) {
	httpClient, err := rest.HTTPClientFor(b.config)
	if err != nil {
		return 0, err
	}
	url := fmt.Sprintf("%s/apis/%s/namespaces/%s/artifactlists", strings.TrimRight(b.config.Host, "/"), v1alpha1.GroupVersion, namespace)
	started := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(writers)
	for _, o := range objects {
		group.Go(func() error {
			request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(o.body))
			if err != nil {
				return err
			}
			request.Header.Set("Content-Type", "application/json")
			request.Header.Set("Accept", onlyMetadata)
			return drop(httpClient, request, http.StatusCreated)
		})
	}
	err = group.Wait()
	return time.Since(started), err
}

// drop sends a request and reads the answer to its end.
func drop(c *http.Client, request *http.Request, want int) error {
	response, err := c.Do(request) //nolint:gosec // to a program of the measurement
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != want {
		return fmt.Errorf("%s %s: %s", request.Method, request.URL.Path, response.Status)
	}
	_, err = io.Copy(io.Discard, response.Body)
	return err
}
