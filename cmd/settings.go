// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/tools/leaderelection"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/controller"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/egress"
)

// settings are the values of the flags.
type settings struct {
	metricsAddress, probeAddress           string
	metricsSecure                          bool
	kubeQPS                                float64
	webhookCertificates                    string
	namespaces                             []string // empty: all; sorted
	election                               bool
	electionID, electionNamespace          string
	leaseDuration, renewDeadline, retryGap time.Duration
	controller                             controller.Options
	logs                                   zap.Options
}

// register declares the flags. docs/operations.md has them in a table.
func (s *settings) register(flags *flag.FlagSet) {
	flags.StringVar(&s.metricsAddress, "metrics-bind-address", "0",
		"Address of the metrics endpoint, like :8443; 0 switches it off.")
	flags.BoolVar(&s.metricsSecure, "metrics-secure", true,
		"Serve metrics over HTTPS, to callers only that the API server lets read /metrics.")
	flags.StringVar(&s.probeAddress, "health-probe-bind-address", ":8081",
		"Address of /healthz and /readyz; 0 switches them off.")
	flags.Func("namespaces",
		"Namespaces to work in, separated by commas; none means all. Named namespaces need Roles only.", s.setNamespaces)
	flags.Func("watch-label-selector",
		"Labels of the HarborInventories to work on, like shard=a or shard notin (a,b); none means all. Several operators can share the work by it.", s.setSelector)
	flags.BoolVar(&s.election, "leader-elect", false,
		"Let one of several replicas work at a time.")
	flags.StringVar(&s.electionID, "leader-elect-id", "",
		"Name of the Lease that replicas elect their leader by. Made of namespaces and watch-label-selector when empty, so that operators with different work do not wait for each other.")
	flags.StringVar(&s.electionNamespace, "leader-elect-namespace", "",
		"Namespace of the Lease; that of the operator's Pod when empty.")
	flags.DurationVar(&s.leaseDuration, "leader-elect-lease-duration", 15*time.Second,
		"Time after which the others take over from a leader that is not heard of.")
	flags.DurationVar(&s.renewDeadline, "leader-elect-renew-deadline", 10*time.Second,
		"Time after which a leader that cannot renew its Lease ends itself.")
	flags.DurationVar(&s.retryGap, "leader-elect-retry-period", 1500*time.Millisecond,
		"Pause between two looks at the Lease; those who wait take up to 2.2 times as long.")
	flags.IntVar(&s.controller.MaxConnectionsPerHarbor, "max-connections-per-harbor", 20,
		"Greatest number of requests in flight to one Harbor, over all HarborInventories that name it.")
	flags.Func("allowed-harbor-hosts",
		"Hosts that HarborInventories may name, separated by commas, like harbor.example.com,*.example.org,harbor.example.net:8443; none means all.", s.setHosts)
	flags.Func("allowed-harbor-cidrs",
		"Addresses that a Harbor may have, separated by commas, like 10.0.0.0/8,fd00::/8; none means all but loopback, link-local, multicast, unspecified, reserved and cloud metadata addresses. Those are allowed by a range within their own, like 127.0.0.0/8.", setRanges(&s.controller.Egress.Allowed))
	flags.Func("denied-harbor-cidrs",
		"Addresses that no Harbor may have, whatever is allowed, separated by commas: those of the cluster's Services and Pods, for instance.", setRanges(&s.controller.Egress.Denied))
	flags.BoolVar(&s.controller.Egress.PlainHTTP, "allow-plain-http", false,
		"Allow HarborInventories http:// URLs, over which credentials go in clear text.")
	flags.BoolVar(&s.controller.Egress.InsecureTLS, "allow-insecure-tls", false,
		"Allow HarborInventories insecureSkipTLSVerify, with which anybody on the way can read the credentials.")
	flags.DurationVar(&s.controller.AuditInterval, "audit-log-interval", 30*time.Second,
		"Pause between two looks at Harbor's audit log, for each HarborInventory.")
	flags.StringVar(&s.controller.Webhooks.Address, "webhook-bind-address", "0",
		"Address of the receiver of Harbor's webhooks, like :9443; 0 switches it off.")
	flags.StringVar(&s.webhookCertificates, "webhook-cert-path", "",
		"Directory with tls.crt and tls.key, for webhooks over HTTPS; they are read again when they change. Empty: plain HTTP.")
	flags.IntVar(&s.controller.MaxConcurrentReconciles, "max-concurrent-reconciles", 4,
		"Number of HarborInventories that are synced at a time.")
	flags.IntVar(&s.controller.Writers, "writers", 8,
		"Number of repositories whose lists are written at a time, for each HarborInventory.")
	flags.Float64Var(&s.kubeQPS, "kube-api-qps", -1,
		"Bound on requests a second to the API server; negative leaves it to API Priority and Fairness.")
	flags.IntVar(&s.controller.MetricsRepositories, "metrics-repositories", 0,
		"Number of repositories, over all HarborInventories, with metrics of their own, the first by name; 0 is none. Each has three series.")
	s.logs.BindFlags(flags)
}

func (s *settings) setNamespaces(list string) error {
	s.namespaces = nil
	for name := range strings.SplitSeq(list, ",") {
		if name == "" {
			continue
		}
		if problems := validation.IsDNS1123Label(name); len(problems) > 0 {
			return fmt.Errorf("%q is no name of a namespace (%s): give names separated by commas, like team-a,team-b", name, strings.Join(problems, "; "))
		}
		s.namespaces = append(s.namespaces, name)
	}
	slices.Sort(s.namespaces)
	s.namespaces = slices.Compact(s.namespaces)
	return nil
}

func (s *settings) setHosts(list string) error {
	s.controller.Egress.Hosts = nil
	for text := range strings.SplitSeq(list, ",") {
		if text == "" {
			continue
		}
		host, err := egress.ParseHost(text)
		if err != nil {
			return err
		}
		s.controller.Egress.Hosts = append(s.controller.Egress.Hosts, host)
	}
	return nil
}

// setRanges returns a flag that fills a list of ranges of addresses.
func setRanges(ranges *[]netip.Prefix) func(string) error {
	return func(list string) error {
		*ranges = nil
		for text := range strings.SplitSeq(list, ",") {
			if text == "" {
				continue
			}
			prefix, err := egress.ParsePrefix(text)
			if err != nil {
				return err
			}
			*ranges = append(*ranges, prefix)
		}
		return nil
	}
}

func (s *settings) setSelector(text string) error {
	selector, err := labels.Parse(text)
	if err != nil {
		return fmt.Errorf("%w: give a selector as kubectl's --selector takes it, like shard=a", err)
	}
	s.controller.Selector = selector
	return nil
}

// check refuses what no flag can refuse by itself.
func (s *settings) check() error {
	if !s.election {
		return nil
	}
	if problems := validation.IsDNS1123Subdomain(s.leaseName()); len(problems) > 0 {
		return fmt.Errorf("--leader-elect-id %q is no name of a Lease: %s", s.electionID, strings.Join(problems, "; "))
	}
	if s.renewDeadline >= s.leaseDuration {
		return fmt.Errorf("--leader-elect-renew-deadline %s must be less than --leader-elect-lease-duration %s: else a leader works on after another one took over",
			s.renewDeadline, s.leaseDuration)
	}
	if s.retryGap <= 0 || time.Duration(leaderelection.JitterFactor*float64(s.retryGap)) >= s.renewDeadline {
		return fmt.Errorf("--leader-elect-retry-period %s must be above 0, and 1.2 times of it less than --leader-elect-renew-deadline %s: else a leader cannot renew in time",
			s.retryGap, s.renewDeadline)
	}
	if s.leaseDuration < time.Second {
		return errors.New("--leader-elect-lease-duration must be 1s or more: a Lease counts seconds")
	}
	return nil
}

// leaseBase is the name of the Lease of an operator that works on everything.
const leaseBase = "harborinventory.io"

// leaseName names the Lease. Operators that share the work by namespace or label
// must not be each other's replicas.
func (s *settings) leaseName() string {
	selector := ""
	if s.controller.Selector != nil {
		selector = s.controller.Selector.String() // in canonical order
	}
	switch {
	case s.electionID != "":
		return s.electionID
	case len(s.namespaces) == 0 && selector == "":
		return leaseBase
	}
	sum := sha256.Sum256([]byte(strings.Join(s.namespaces, ",") + " " + selector))
	return hex.EncodeToString(sum[:5]) + "." + leaseBase
}

// cache holds the HarborInventories to work on and the metadata of lists, and
// nothing else: Secrets and ConfigMaps are read when they are needed.
func (s *settings) cache() cache.Options {
	options := cache.Options{
		DefaultTransform: controller.Transform(),
		ByObject:         map[client.Object]cache.ByObject{&v1alpha1.HarborInventory{}: {Label: s.controller.Selector}},
	}
	for _, name := range s.namespaces {
		if options.DefaultNamespaces == nil {
			options.DefaultNamespaces = map[string]cache.Config{}
		}
		options.DefaultNamespaces[name] = cache.Config{}
	}
	return options
}
