// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/version"
)

// Resources of the group, as the API server names them.
const (
	inventoriesResource = "harborinventories"
	listsResource       = "artifactlists"
	reportsResource     = "vulnerabilityreports"
)

// defaultChunk is kubectl's.
const defaultChunk = 500

// cluster is the way to a cluster, as kubectl's flags give it. They are those of
// client-go's clientcmd: cli-runtime's ConfigFlags, which have the same names,
// bring kustomize and every built-in type with them, and 37 MiB of memory.
type cluster struct {
	kubeconfig string
	overrides  clientcmd.ConfigOverrides
	all        bool // namespaces
	chunk      int64
}

// shownFlags of kubectl stand in the help of each command; the others work, too.
var shownFlags = []string{clientcmd.FlagNamespace, clientcmd.FlagContext, clientcmd.RecommendedConfigPathFlag}

// addFlags adds kubectl's flags to a command.
func (c *cluster) addFlags(command *cobra.Command) {
	given := pflag.NewFlagSet("", pflag.ContinueOnError)
	given.StringVar(&c.kubeconfig, clientcmd.RecommendedConfigPathFlag, "", "path to the kubeconfig to use")
	clientcmd.BindOverrideFlags(&c.overrides, given, clientcmd.RecommendedConfigOverrideFlags(""))
	given.VisitAll(func(f *pflag.Flag) {
		f.Hidden = !slices.Contains(shownFlags, f.Name)
		command.Flags().AddFlag(f)
	})
	_ = command.RegisterFlagCompletionFunc(clientcmd.FlagNamespace, c.completeNamespaces) // the flag is there
	_ = command.RegisterFlagCompletionFunc(clientcmd.FlagContext, c.completeContexts)
}

// config is what the flags, KUBECONFIG and the files say.
func (c *cluster) config() clientcmd.ClientConfig {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = c.kubeconfig
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &c.overrides)
}

// addListFlags adds those of commands that list.
func (c *cluster) addListFlags(command *cobra.Command) {
	c.addFlags(command)
	command.Flags().BoolVarP(&c.all, "all-namespaces", "A", false, "look into all namespaces, not only the current one")
	command.Flags().Int64Var(&c.chunk, "chunk-size", defaultChunk, "so many objects are asked for at once; 0 asks for all")
}

// check is for what cobra does not check.
func (c *cluster) check() error {
	if c.chunk < 0 {
		return usageError("--chunk-size=%d: give a number of objects, or 0 for all at once", c.chunk)
	}
	return nil
}

// namespace is what to look into; "" is all of them.
func (c *cluster) namespace() (string, error) {
	if c.all {
		return "", nil
	}
	namespace, _, err := c.config().Namespace()
	return namespace, err
}

// client returns a client for the group.
func (c *cluster) client() (*rest.RESTClient, error) {
	return c.clientFor(v1alpha1.GroupVersion, "/apis")
}

func (c *cluster) clientFor(version schema.GroupVersion, path string) (*rest.RESTClient, error) {
	config, err := c.config().ClientConfig()
	if err != nil {
		return nil, err
	}
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	config = rest.CopyConfig(config)
	config.GroupVersion = &version
	config.APIPath = path
	config.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	config.ContentType = runtime.ContentTypeJSON
	config.AcceptContentTypes = runtime.ContentTypeJSON
	config.UserAgent = userAgent()
	config.QPS = -1 // one request after the other
	client, err := rest.RESTClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("reaching the cluster: %w", err)
	}
	return client, nil
}

func userAgent() string { return "kubectl-harbor-inventory/" + version.String() }
