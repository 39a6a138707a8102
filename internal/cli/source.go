// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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

// read hands over the artifacts of the inventories: first those that stand in a
// status (output.mode Status), then those in ArtifactLists, in the order of the
// API server: by namespace and name, so that all of one repository come together.
// A project narrows what is asked for; empty means all. It says on standard error
// which of the inventories are not complete.
func (s *source) read(ctx context.Context, errOut io.Writer, project string, to sink) error {
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
	known, err := s.readInventories(ctx, client, namespace, errOut, to)
	if err != nil {
		return err
	}
	listed, err := s.readLists(ctx, client, namespace, project, to)
	if err != nil {
		return err
	}
	for _, name := range s.inventories {
		if !known[name] && !listed[name] {
			return fmt.Errorf("there is no HarborInventory %q %s", name, inNamespace(namespace))
		}
	}
	return nil
}

// readInventories hands over what stands in their status, and returns their names.
func (s *source) readInventories(ctx context.Context, client rest.Interface, namespace string, errOut io.Writer, to sink) (map[string]bool, error) {
	known := map[string]bool{}
	l := listing{resource: inventoriesResource, namespace: namespace, chunk: s.chunk}
	err := stream(ctx, client, l, func(inv *v1alpha1.HarborInventory) error {
		if !s.wants(inv.Name) {
			return nil
		}
		known[inv.Name] = true
		if doubt := doubtOf(inv); doubt != "" {
			tell(errOut, "Warning: inventory %s/%s %s\n", inv.Namespace, inv.Name, doubt)
		}
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

// doubtOf says why what an inventory shows may not be all, or is empty.
func doubtOf(inv *v1alpha1.HarborInventory) string {
	complete := apimeta.FindStatusCondition(inv.Status.Conditions, v1alpha1.ConditionComplete)
	switch {
	case complete == nil:
		return "has not been synced yet"
	case complete.Status != metav1.ConditionTrue:
		return fmt.Sprintf("is not complete (%s): %s", complete.Reason, complete.Message)
	}
	return ""
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
