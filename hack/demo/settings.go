// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// settings are what the environment asks for.
type settings struct {
	// once: check the result and end.
	once bool
	// dataset that the simulator serves, in the words of harborsim's flag.
	dataset string
	// real is the Harbor to read instead of a simulated one.
	real *endpoint
	// assets is the directory with etcd, kube-apiserver, kubectl and gc.
	assets string
}

// endpoint is a Harbor and how to log in.
type endpoint struct {
	url                string
	username, password string
	// projects limits the inventory; empty means every project.
	projects []string
	// insecure accepts any certificate.
	insecure bool
}

func (e *endpoint) plain() bool { return strings.HasPrefix(e.url, "http://") }

func readSettings(variable func(string) string) (settings, error) {
	s := settings{dataset: variable("DATASET"), assets: variable("KUBEBUILDER_ASSETS")}
	if s.dataset == "" {
		s.dataset = "believable"
	}
	if s.assets == "" {
		return s, errors.New("KUBEBUILDER_ASSETS is not set: run the demo with 'make demo'")
	}
	var err error
	if s.once, err = readSwitch(variable, "ONCE"); err != nil {
		return s, err
	}
	s.real, err = readEndpoint(variable)
	return s, err
}

func readSwitch(variable func(string) string, name string) (bool, error) {
	value := variable(name)
	if value == "" {
		return false, nil
	}
	on, err := strconv.ParseBool(value)
	if err != nil {
		return false, fmt.Errorf("%s is %q: set it to 1, or leave it out", name, value)
	}
	return on, nil
}

// readEndpoint returns nil when no real Harbor is asked for.
func readEndpoint(variable func(string) string) (*endpoint, error) {
	e := &endpoint{
		url:      strings.TrimRight(variable("HARBOR_URL"), "/"),
		username: variable("HARBOR_USERNAME"),
		password: variable("HARBOR_PASSWORD"),
		projects: strings.FieldsFunc(variable("HARBOR_PROJECTS"), func(r rune) bool { return r == ',' || r == ' ' }),
	}
	if e.url == "" {
		if e.username != "" || e.password != "" {
			return nil, errors.New("HARBOR_USERNAME or HARBOR_PASSWORD is set, and HARBOR_URL is not: set it too, like https://harbor.example.com, or unset them for a simulated Harbor")
		}
		return nil, nil
	}
	parsed, err := url.Parse(e.url)
	if err != nil || (parsed.Scheme != "https" && parsed.Scheme != "http") || parsed.Host == "" || parsed.User != nil {
		return nil, errors.New("HARBOR_URL must be an http or https URL without credentials, like https://harbor.example.com")
	}
	for name, value := range map[string]string{"HARBOR_USERNAME": e.username, "HARBOR_PASSWORD": e.password} {
		if value == "" {
			return nil, fmt.Errorf("HARBOR_URL is set, and %s is not: set it in the environment, and mind that the $ of a robot's name needs single quotes in a shell", name)
		}
	}
	e.insecure, err = readSwitch(variable, "HARBOR_INSECURE")
	return e, err
}
