// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/goharbor/go-client/pkg/harbor"
	sdk "github.com/goharbor/go-client/pkg/sdk/v2.0/client"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/artifact"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/project"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/repository"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/models"
	"golang.org/x/sync/errgroup"
)

// goClientPage is the page size: the greatest that Harbor allows.
const goClientPage = int64(100)

// fetchWithGoClient reads everything with the official client as its users do:
// the projects, the repositories of each, then as many repositories at once as
// there are connections, each page by page with tags until it has the total.
func fetchWithGoClient(ctx context.Context, task clientTask) (found, error) {
	set, err := harbor.NewClientSet(&harbor.ClientSetConfig{URL: task.URL, Username: username, Password: password})
	if err != nil {
		return found{}, err
	}
	api := set.V2()
	repositories, err := goClientRepositories(ctx, api)
	if err != nil {
		return found{}, err
	}
	var artifacts atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(task.Connections)
	for _, name := range repositories {
		group.Go(func() error {
			all, err := goClientArtifacts(ctx, api, name)
			artifacts.Add(int64(len(all)))
			return err
		})
	}
	err = group.Wait()
	return found{Repositories: len(repositories), Artifacts: int(artifacts.Load())}, err
}

// goClientRepositories returns all full names.
func goClientRepositories(ctx context.Context, api *sdk.HarborAPI) (names []string, err error) {
	size := goClientPage
	var projects []*models.Project
	for page := int64(1); ; page++ {
		ok, err := api.Project.ListProjects(ctx, &project.ListProjectsParams{Page: &page, PageSize: &size})
		if err != nil {
			return nil, err
		}
		projects = append(projects, ok.Payload...)
		if int64(len(projects)) >= ok.XTotalCount || len(ok.Payload) == 0 {
			break
		}
	}
	for _, p := range projects {
		for page, seen := int64(1), int64(0); ; page++ {
			ok, err := api.Repository.ListRepositories(ctx, &repository.ListRepositoriesParams{ProjectName: p.Name, Page: &page, PageSize: &size})
			if err != nil {
				return nil, err
			}
			for _, r := range ok.Payload {
				names = append(names, r.Name)
			}
			if seen += int64(len(ok.Payload)); seen >= ok.XTotalCount || len(ok.Payload) == 0 {
				break
			}
		}
	}
	return names, nil
}

func goClientArtifacts(ctx context.Context, api *sdk.HarborAPI, full string) (all []*models.Artifact, err error) {
	size, withTag := goClientPage, true
	projectName, name, _ := strings.Cut(full, "/")
	for page := int64(1); ; page++ {
		ok, err := api.Artifact.ListArtifacts(ctx, &artifact.ListArtifactsParams{
			ProjectName: projectName, RepositoryName: url.PathEscape(name), Page: &page, PageSize: &size, WithTag: &withTag,
		})
		if err != nil {
			return nil, err
		}
		all = append(all, ok.Payload...)
		if int64(len(all)) >= ok.XTotalCount || len(ok.Payload) == 0 {
			return all, nil
		}
	}
}
