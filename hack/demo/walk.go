// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
)

// pageSize is the greatest that Harbor allows.
const pageSize = 100

// maxAnswer bounds one answer, in bytes.
const maxAnswer = 64 << 20

// requestLimit bounds one request to Harbor, with the reading of its answer.
const requestLimit = time.Minute

// remote is a Harbor that runs elsewhere. It is walked in the plainest way, one
// request after the other, page by page, and shares no code with the operator's
// client: so neither's mistakes hide in the other.
type remote struct {
	endpoint
	client *http.Client
}

func newRemote(e *endpoint) *remote {
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 1, TLSHandshakeTimeout: 10 * time.Second}
	if e.insecure {
		transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // HARBOR_INSECURE asks for it
	}
	return &remote{endpoint: *e, client: &http.Client{Transport: transport, Timeout: requestLimit}}
}

func (r *remote) access() *endpoint { return &r.endpoint }

func (*remote) steady() bool { return false }

// statusError is an answer other than 200.
type statusError struct {
	path   string
	status int
}

func (e *statusError) Error() string {
	return fmt.Sprintf("GET %s: Harbor answered %d %s", e.path, e.status, http.StatusText(e.status))
}

func isNotFound(err error) bool {
	var status *statusError
	return errors.As(err, &status) && status.status == http.StatusNotFound
}

// version returns Harbor's version. Harbor tells it to those only who are
// logged in, and answers anybody else as anonymous, without an error.
func (r *remote) version(ctx context.Context) (string, error) {
	var info struct {
		Version string `json:"harbor_version"`
	}
	if err := r.get(ctx, "/systeminfo", &info); err != nil {
		return "", err
	}
	if info.Version == "" {
		return "", errors.New("the account is unknown to Harbor: check HARBOR_USERNAME and HARBOR_PASSWORD")
	}
	return info.Version, nil
}

// listed walks over all projects, their repositories and their artifacts. What
// is deleted meanwhile is left out.
func (r *remote) listed(ctx context.Context) ([]testbed.Artifact, error) {
	if _, err := r.version(ctx); err != nil {
		return nil, err
	}
	projects := r.projects
	if len(projects) == 0 {
		var err error
		if projects, err = r.names(ctx, "/projects"); err != nil {
			return nil, err
		}
	}
	var all []testbed.Artifact
	for _, project := range projects {
		repositories, err := r.names(ctx, "/projects/"+url.PathEscape(project)+"/repositories")
		if isNotFound(err) {
			continue
		} else if err != nil {
			return nil, err
		}
		for _, repository := range repositories {
			artifacts, err := r.artifacts(ctx, repository)
			if err != nil && !isNotFound(err) {
				return nil, err
			}
			all = append(all, artifacts...)
		}
	}
	return all, nil
}

// names returns the names in a listing, each once.
func (r *remote) names(ctx context.Context, path string) ([]string, error) {
	set := map[string]bool{}
	err := pages(ctx, r, path, func(item struct{ Name string }) { set[item.Name] = true })
	return slices.Sorted(maps.Keys(set)), err
}

func (r *remote) artifacts(ctx context.Context, repository string) ([]testbed.Artifact, error) {
	project, name, _ := strings.Cut(repository, "/")
	// Harbor wants the slashes of a repository's name escaped twice.
	path := fmt.Sprintf("/projects/%s/repositories/%s/artifacts", url.PathEscape(project), url.PathEscape(url.PathEscape(name)))
	seen := map[string]bool{}
	var all []testbed.Artifact
	type item struct {
		Digest string
		Tags   []struct{ Name string }
	}
	err := pages(ctx, r, path, func(i item) {
		if seen[i.Digest] {
			return // moved to this page while the walk was at it
		}
		seen[i.Digest] = true
		a := testbed.Artifact{Repository: repository, Digest: i.Digest}
		for _, tag := range i.Tags {
			a.Tags = append(a.Tags, tag.Name)
		}
		all = append(all, a)
	})
	return all, err
}

// pages calls add with each item of a listing.
func pages[T any](ctx context.Context, r *remote, path string, add func(T)) error {
	for page := 1; ; page++ {
		var items []T
		if err := r.get(ctx, fmt.Sprintf("%s?page=%d&page_size=%d", path, page, pageSize), &items); err != nil {
			return err
		}
		for _, item := range items {
			add(item)
		}
		if len(items) < pageSize {
			return nil
		}
	}
}

func (r *remote) get(ctx context.Context, path string, answer any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url+"/api/v2.0"+path, nil)
	if err != nil {
		return err
	}
	request.SetBasicAuth(r.username, r.password)
	response, err := r.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return &statusError{path, response.StatusCode}
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(answer); err != nil {
		return fmt.Errorf("GET %s: the answer is not what Harbor's API sends: %w", path, err)
	}
	return nil
}
