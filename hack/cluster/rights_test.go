// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
)

// auditLines are events as an API server writes them, without what is not read.
const auditLines = `{"verb":"get","requestURI":"/api/v1/namespaces/a/secrets/robot","user":{"username":"x"},"objectRef":{"namespace":"a","resource":"secrets","name":"robot","apiVersion":"v1"},"annotations":{"authorization.k8s.io/decision":"allow"}}
{"verb":"list","requestURI":"/api/v1/secrets","user":{"username":"x"},"objectRef":{"resource":"secrets","apiVersion":"v1"},"annotations":{"authorization.k8s.io/decision":"forbid"}}
{"verb":"patch","requestURI":"/apis/g.io/v1/namespaces/a/things/t/status","user":{"username":"x"},"objectRef":{"namespace":"a","apiGroup":"g.io","resource":"things","subresource":"status"},"annotations":{"authorization.k8s.io/decision":"allow"}}
{"verb":"watch","requestURI":"/apis/g.io/v1/things?watch=true&sendInitialEvents=true","user":{"username":"x"},"objectRef":{"apiGroup":"g.io","resource":"things"},"annotations":{"authorization.k8s.io/decision":"allow"}}
{"verb":"get","requestURI":"/metrics","user":{"username":"x"},"annotations":{"authorization.k8s.io/decision":"allow"}}
{"verb":"delete","requestURI":"/apis/g.io/v1/things/t","user":{"username":"somebody else"},"objectRef":{"apiGroup":"g.io","resource":"things"},"annotations":{"authorization.k8s.io/decision":"allow"}}
`

func TestRequests(t *testing.T) {
	log := filepath.Join(t.TempDir(), "audit.log")
	if err := os.WriteFile(log, []byte(auditLines), 0o600); err != nil {
		t.Fatal(err)
	}
	allowed, refused, err := AuditLog(log).Requests("x")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("get /metrics\nget secrets in a\nlist things.g.io\npatch things/status.g.io in a\nwatch things.g.io", allowed.String()); diff != "" {
		t.Errorf("allowed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff("list secrets", refused.String()); diff != "" {
		t.Errorf("refused (-want +got):\n%s", diff)
	}
}

func TestDifference(t *testing.T) {
	secrets := Right{Namespace: "a", Verb: "get", Resource: "secrets"}
	for _, c := range []struct {
		about         string
		in            string // the namespace of the grant
		used, refused Rights
		want          string
	}{
		{"used everywhere that is granted", "a", Rights{secrets: true}, nil, ""},
		{"granted in all namespaces, used in one", "", Rights{secrets: true}, nil, ""},
		{"granted in another namespace", "b", Rights{secrets: true}, nil, "rights that are missing:\n\nrights that are never used:\nget secrets in b"},
		{"never used", "a", Rights{}, nil, "rights that are missing:\n\nrights that are never used:\nget secrets in a"},
		{
			"refused", "a",
			Rights{secrets: true},
			Rights{{Verb: "list", Resource: "secrets"}: true},
			"rights that are missing:\nlist secrets\nrights that are never used:\n",
		},
	} {
		granted := Rights{}
		if err := granted.Add(c.in, []rbacv1.PolicyRule{{Verbs: []string{"get"}, APIGroups: []string{""}, Resources: []string{"secrets"}}}); err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := Difference(granted, c.used, c.refused); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.about, got, c.want)
		}
	}
	if err := Difference(Rights{}, Rights{}, Rights{}); err == nil {
		t.Error("nobody is granted anything, and that is no error")
	}
	if err := (Rights{}).Add("", []rbacv1.PolicyRule{{Verbs: []string{"*"}, APIGroups: []string{""}, Resources: []string{"secrets"}}}); err == nil {
		t.Error("a role with * is taken")
	}
}
