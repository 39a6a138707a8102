// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/rest"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// source reads the artifacts of inventories in a cluster.
type source struct {
	cluster
	inventories []string // empty: all
}

func (s *source) addFlags(command *cobra.Command) {
	s.addListFlags(command)
	command.Flags().StringSliceVarP(&s.inventories, "inventory", "i", nil, "only of these HarborInventories")
	_ = command.RegisterFlagCompletionFunc("inventory", s.completeInventories) // the flag is there
}

// sink takes artifacts.
type sink struct {
	// take is called with each artifact in turn.
	take func(*Artifact) error
	// between is called after each chunk; may be nil.
	between func() error
}

// read hands over the artifacts of the inventories that a filter wants.
//
//  1. Begin to read the VulnerabilityReports, where the filter asks about them.
//  2. Go through what stands in a status (output.mode Status), saying on standard
//     error which inventories are not complete, or do not hold what is asked about.
//  3. Go through the ArtifactLists, in the order of the API server: by namespace
//     and name, so that all of one repository come together.
//  4. Say of how many artifacts it is not known whether they are wanted, and why.
func (s *source) read(ctx context.Context, errOut io.Writer, filter *Filter, to sink) error {
	if to.between == nil {
		to.between = func() error { return nil }
	}
	namespace, err := s.namespace()
	if err != nil {
		return err
	}
	client, err := s.client()
	if err != nil {
		return err
	}
	// 1.
	if filter.findings != nil {
		filter.reports = s.join(ctx, client, namespace, filter, to.between)
		defer filter.reports.end()
	}
	d := newDoubts(filter, errOut)
	wanted := sink{take: d.sift(to.take), between: to.between}
	// 2.
	known, err := s.readInventories(ctx, client, namespace, d.inventory, wanted)
	if err != nil {
		return err
	}
	// 3.
	listed, err := s.readLists(ctx, client, namespace, filter.project, wanted)
	if err != nil {
		return err
	}
	maps.Copy(known, listed)
	if err := s.allKnown(known, namespace); err != nil {
		return err
	}
	// 4.
	d.tell()
	return nil
}

// readInventories hands over what stands in their status, and returns their names.
func (s *source) readInventories(ctx context.Context, client rest.Interface, namespace string, seen func(*v1alpha1.HarborInventory), to sink) (map[string]bool, error) {
	known := map[string]bool{}
	l := listing{resource: inventoriesResource, namespace: namespace, chunk: s.chunk}
	err := stream(ctx, client, l, func(inv *v1alpha1.HarborInventory) error {
		if !s.wants(inv.Name) {
			return nil
		}
		known[inv.Name] = true
		seen(inv)
		for _, entry := range inv.Status.ArtifactEntries {
			project, _, _ := strings.Cut(entry.Repository, "/")
			err := to.take(&Artifact{
				Namespace: inv.Namespace, Inventory: inv.Name, Harbor: inv.Spec.Harbor.URL,
				Project: project, Repository: entry.Repository, ArtifactEntry: entry.ArtifactEntry,
			})
			if err != nil {
				return err
			}
		}
		return nil
	}, to.between)
	return known, err
}

// list is an ArtifactList, without what no command needs.
type list struct {
	Metadata struct {
		Namespace string            `json:"namespace"`
		Labels    map[string]string `json:"labels"`
	} `json:"metadata"`
	Harbor     string                   `json:"harbor"`
	Project    string                   `json:"project"`
	Repository string                   `json:"repository"`
	Artifacts  []v1alpha1.ArtifactEntry `json:"artifacts"`
}

// readLists returns the names of the inventories that it has seen lists of.
func (s *source) readLists(ctx context.Context, client rest.Interface, namespace string, project string, to sink) (map[string]bool, error) {
	listed := map[string]bool{}
	l := listing{resource: listsResource, namespace: namespace, chunk: s.chunk, labels: s.selector(), fields: projectSelector(project)}
	err := stream(ctx, client, l, func(object *list) error {
		inventory := object.Metadata.Labels[v1alpha1.LabelInventory]
		listed[inventory] = true
		for i := range object.Artifacts {
			err := to.take(&Artifact{
				Namespace: object.Metadata.Namespace, Inventory: inventory, Harbor: object.Harbor,
				Project: object.Project, Repository: object.Repository, ArtifactEntry: object.Artifacts[i],
			})
			if err != nil {
				return err
			}
		}
		return nil
	}, to.between)
	return listed, err
}

// allKnown is an error where one of the inventories that were asked for is not there.
func (s *source) allKnown(known map[string]bool, namespace string) error {
	for _, name := range s.inventories {
		if !known[name] {
			return fmt.Errorf("there is no HarborInventory %q %s", name, inNamespace(namespace))
		}
	}
	return nil
}

func (s *source) wants(inventory string) bool {
	return len(s.inventories) == 0 || slices.Contains(s.inventories, inventory)
}

func (s *source) selector() string {
	if len(s.inventories) == 0 {
		return ""
	}
	return fmt.Sprintf("%s in (%s)", v1alpha1.LabelInventory, strings.Join(s.inventories, ","))
}

// projectSelector selects by a selectable field of ArtifactList.
func projectSelector(project string) string {
	if project == "" {
		return ""
	}
	return fields.OneTermEqualSelector("project", project).String()
}

func inNamespace(namespace string) string {
	if namespace == "" {
		return "in any namespace"
	}
	return "in namespace " + namespace
}
