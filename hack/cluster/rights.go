// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Right is to do one thing to one kind of resource, or to an URL.
type Right struct {
	// Namespace in which; granted for "", it is a right in all of them.
	Namespace string
	Verb      string
	// Group and Resource are like apps and deployments/status.
	Group, Resource string
	// URL is one that is no resource's, in place of Group and Resource.
	URL string
}

func (r Right) String() string {
	text := r.Verb + " " + r.URL + r.Resource
	if r.Group != "" {
		text += "." + r.Group
	}
	if r.Namespace != "" {
		text += " in " + r.Namespace
	}
	return text
}

// covers tells whether r, granted, allows what was used.
func (r Right) covers(used Right) bool {
	if r.Namespace == "" {
		used.Namespace = ""
	}
	return r == used
}

// Rights is a set of them.
type Rights map[Right]bool

// Add adds the rights that a role's rules give in a namespace, or with "" in all.
// It knows neither "*" nor names of resources: a role of the operator has none.
func (s Rights) Add(namespace string, rules []rbacv1.PolicyRule) error {
	for _, rule := range rules {
		if len(rule.ResourceNames) > 0 || slices.Contains(slices.Concat(rule.Verbs, rule.APIGroups, rule.Resources, rule.NonResourceURLs), "*") {
			return fmt.Errorf("the rule %v has a * or names of resources: name verbs, groups and resources", rule)
		}
		for _, verb := range rule.Verbs {
			for _, url := range rule.NonResourceURLs {
				s[Right{Verb: verb, URL: url}] = true
			}
			for _, group := range rule.APIGroups {
				for _, resource := range rule.Resources {
					s[Right{Namespace: namespace, Verb: verb, Group: group, Resource: resource}] = true
				}
			}
		}
	}
	return nil
}

// Unused returns what is granted and covers nothing that was used.
func (s Rights) Unused(used Rights) Rights {
	unused := Rights{}
	for granted := range s {
		found := false
		for u := range used {
			found = found || granted.covers(u)
		}
		if !found {
			unused[granted] = true
		}
	}
	return unused
}

// String returns one right a line, sorted.
func (s Rights) String() string {
	var lines []string
	for right := range s {
		lines = append(lines, right.String())
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// Granted returns what the bindings that name a ServiceAccount give it.
func (c *Cluster) Granted(ctx context.Context, account client.ObjectKey) (Rights, error) {
	names := func(subjects []rbacv1.Subject) bool {
		return slices.ContainsFunc(subjects, func(s rbacv1.Subject) bool {
			return s.Kind == rbacv1.ServiceAccountKind && s.Namespace == account.Namespace && s.Name == account.Name
		})
	}
	var everywhere rbacv1.ClusterRoleBindingList
	var here rbacv1.RoleBindingList
	if err := c.Client.List(ctx, &everywhere); err != nil {
		return nil, err
	}
	if err := c.Client.List(ctx, &here); err != nil {
		return nil, err
	}
	granted := Rights{}
	for _, b := range everywhere.Items {
		if names(b.Subjects) {
			if err := c.grant(ctx, granted, "", b.RoleRef); err != nil {
				return nil, err
			}
		}
	}
	for _, b := range here.Items {
		if names(b.Subjects) {
			if err := c.grant(ctx, granted, b.Namespace, b.RoleRef); err != nil {
				return nil, err
			}
		}
	}
	return granted, nil
}

func (c *Cluster) grant(ctx context.Context, to Rights, namespace string, ref rbacv1.RoleRef) error {
	if ref.Kind == "Role" {
		var role rbacv1.Role
		if err := c.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: ref.Name}, &role); err != nil {
			return err
		}
		return to.Add(namespace, role.Rules)
	}
	var role rbacv1.ClusterRole
	if err := c.Client.Get(ctx, client.ObjectKey{Name: ref.Name}, &role); err != nil {
		return err
	}
	return to.Add(namespace, role.Rules)
}

// Compare tells of rights that a ServiceAccount was refused, and of those that
// it was granted and never used.
func (c *Cluster) Compare(ctx context.Context, account client.ObjectKey) error {
	granted, err := c.Granted(ctx, account)
	if err != nil {
		return err
	}
	allowed, refused, err := c.Audit.Requests("system:serviceaccount:" + account.Namespace + ":" + account.Name)
	if err != nil {
		return err
	}
	return Difference(granted, allowed, refused)
}

// Difference is an error that tells of rights that were missing, and of those
// granted that were never used.
func Difference(granted, allowed, refused Rights) error {
	unused := granted.Unused(allowed)
	if len(granted) == 0 {
		return fmt.Errorf("no rights are granted at all")
	}
	if len(refused)+len(unused) == 0 {
		return nil
	}
	return fmt.Errorf("rights that are missing:\n%s\nrights that are never used:\n%s", refused, unused)
}
