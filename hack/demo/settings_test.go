// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadSettings(t *testing.T) {
	robot := map[string]string{"HARBOR_URL": "https://harbor.example.com/", "HARBOR_USERNAME": "robot$a", "HARBOR_PASSWORD": "s"}
	for _, tt := range []struct {
		about string
		set   map[string]string
		want  settings
		err   string // part of the message
	}{
		{"nothing set", nil, settings{dataset: "believable", assets: "/k8s"}, ""},
		{"once", map[string]string{"ONCE": "1"}, settings{once: true, dataset: "believable", assets: "/k8s"}, ""},
		{"not once", map[string]string{"ONCE": "0", "DATASET": "recorded"}, settings{dataset: "recorded", assets: "/k8s"}, ""},
		{"once, but how", map[string]string{"ONCE": "twice"}, settings{}, `ONCE is "twice"`},
		{"no control plane", map[string]string{"KUBEBUILDER_ASSETS": ""}, settings{}, "KUBEBUILDER_ASSETS is not set"},
		{"a real Harbor", robot, settings{
			dataset: "believable", assets: "/k8s",
			real: &endpoint{url: "https://harbor.example.com", username: "robot$a", password: "s", projects: []string{}},
		}, ""},
		{"some projects of it", with(robot, "HARBOR_PROJECTS", "a, b", "HARBOR_INSECURE", "true"), settings{
			dataset: "believable", assets: "/k8s",
			real: &endpoint{url: "https://harbor.example.com", username: "robot$a", password: "s", projects: []string{"a", "b"}, insecure: true},
		}, ""},
		{"no URL", with(robot, "HARBOR_URL", ""), settings{}, "HARBOR_URL is not"},
		{"no user", with(robot, "HARBOR_USERNAME", ""), settings{}, "HARBOR_USERNAME is not"},
		{"no password", with(robot, "HARBOR_PASSWORD", ""), settings{}, "HARBOR_PASSWORD is not"},
		{"no scheme", with(robot, "HARBOR_URL", "harbor.example.com"), settings{}, "must be an http or https URL"},
		{"credentials in the URL", with(robot, "HARBOR_URL", "https://a:b@harbor.example.com"), settings{}, "must be an http or https URL"},
	} {
		t.Run(tt.about, func(t *testing.T) {
			set := with(map[string]string{"KUBEBUILDER_ASSETS": "/k8s"})
			maps.Copy(set, tt.set)
			got, err := readSettings(func(name string) string { return set[name] })
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error %v, want one with %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(settings{}, endpoint{})); diff != "" {
				t.Errorf("wanted (-), got (+):\n%s", diff)
			}
		})
	}
}

// with returns a copy of m with other values.
func with(m map[string]string, pairs ...string) map[string]string {
	c := maps.Clone(m)
	for i := 0; i+1 < len(pairs); i += 2 {
		c[pairs[i]] = pairs[i+1]
	}
	return c
}
