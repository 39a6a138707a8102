// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/tools/clientcmd"
)

// snapshot is every object that the API server has: its kind, by what it is
// called.
type snapshot map[string]string

// passing are kinds of objects that come and go by themselves.
var passing = []string{"Event", "Lease", "APIService", "ComponentStatus"}

func (b *bed) snapshot(ctx context.Context) (snapshot, error) {
	config, err := clientcmd.BuildConfigFromFlags("", b.kubeconfig)
	if err != nil {
		return nil, err
	}
	server, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, err
	}
	resources, err := server.ServerPreferredResources()
	if err != nil {
		return nil, err
	}
	s := snapshot{}
	for _, group := range resources {
		for _, r := range group.APIResources {
			if !slices.Contains(r.Verbs, "list") || slices.Contains(passing, r.Kind) {
				continue
			}
			list := &metav1.PartialObjectMetadataList{}
			list.SetGroupVersionKind(schema.FromAPIVersionAndKind(group.GroupVersion, r.Kind+"List"))
			if err := b.Client.List(ctx, list); err != nil {
				return nil, fmt.Errorf("%s: %w", r.Name, err)
			}
			for _, o := range list.Items {
				s[strings.Join([]string{r.Name, o.Namespace, o.Name}, " ")] = r.Kind
			}
		}
	}
	return s, nil
}

// since returns what is there that was not there before.
func (s snapshot) since(before snapshot) snapshot {
	added := maps.Clone(s)
	for name := range before {
		delete(added, name)
	}
	return added
}

// String counts the kinds: "2 ArtifactList, 2 HarborInventory", or "nothing".
func (s snapshot) String() string {
	counts := map[string]int{}
	for _, kind := range s {
		counts[kind]++
	}
	var words []string
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		words = append(words, fmt.Sprint(counts[kind], " ", kind))
	}
	if len(words) == 0 {
		return "nothing"
	}
	return strings.Join(words, ", ")
}
