// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/harbor-inventory/harbor-inventory/hack/cluster"
	"github.com/harbor-inventory/harbor-inventory/hack/testbed"
)

// What the manager, with the rights that the manifests give it, serves, to whom
// and when.
func TestEndpoints(t *testing.T) {
	t.Parallel()
	readAll(t)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	running := startCluster(ctx, t)
	kubectl(ctx, t, running, "apply", "--server-side", "--kustomize", "default")
	metricsForReaders(ctx, t, running)
	readyWithRights(ctx, t, running)
	tracesReachCollector(ctx, t, running)
}

// Without the right to fill its cache the manager is not ready, and becomes it
// when it is given the right.
func readyWithRights(ctx context.Context, t *testing.T, running *cluster.Cluster) {
	t.Helper()
	kubeconfig, err := running.Kubeconfig("system:serviceaccount:" + own + ":late")
	must(t, err)
	m, err := running.LaunchManager(ctx, kubeconfig, nil, "--metrics-bind-address=0")
	must(t, err)
	must(t, testbed.Await(ctx, func(context.Context) error {
		if !strings.Contains(m.Log(), "is forbidden") {
			return errors.New("the manager has not been refused anything")
		}
		return nil
	}))
	if err := m.Ready(ctx); err == nil || !strings.Contains(err.Error(), "answers 500") {
		t.Errorf("without any right: %v; want that /readyz answers 500", err)
	}
	must(t, running.Client.Create(ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "late"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "harbor-inventory-manager-role"},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: own, Name: "late"}},
	}))
	must(t, testbed.Await(ctx, m.Ready))
	logsWhatIsDocumented(t, m.Log())
}

// logsWhatIsDocumented looks the keys of the lines up in docs/logging.md.
func logsWhatIsDocumented(t *testing.T, logs string) {
	t.Helper()
	page, err := os.ReadFile("../docs/logging.md")
	must(t, err)
	lines := 0
	for line := range strings.Lines(logs) {
		var fields map[string]json.RawMessage
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Errorf("a log line is no JSON: %s", line)
		}
		for key := range fields {
			lines++
			if !strings.Contains(string(page), "\n| `"+key+"` | ") {
				t.Errorf("docs/logging.md lacks the key %s of %s", key, line)
			}
		}
	}
	if lines == 0 {
		t.Error("the manager has logged nothing")
	}
}

// The metrics are shown to service accounts that are bound to the ClusterRole
// metrics-reader, over HTTPS, and to nobody else.
func metricsForReaders(ctx context.Context, t *testing.T, running *cluster.Cluster) {
	t.Helper()
	address, err := testbed.FreeAddress(ctx)
	must(t, err)
	kubeconfig, err := running.Kubeconfig(manager)
	must(t, err)
	m, err := running.StartManager(ctx, kubeconfig, nil, "--metrics-bind-address="+address, "--zap-log-level=debug")
	must(t, err)
	defer func() { logsWhatIsDocumented(t, m.Log()) }()

	accounts := map[string]string{"nobody": "", "a stranger": "no.token.ofours"}
	for _, name := range []string{"reader", "bystander"} {
		account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: own, Name: name}}
		must(t, running.Client.Create(ctx, account))
		token := &authenticationv1.TokenRequest{}
		must(t, running.Client.SubResource("token").Create(ctx, account, token))
		accounts[name] = token.Status.Token
	}
	must(t, running.Client.Create(ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "reader"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "harbor-inventory-metrics-reader"},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: own, Name: "reader"}},
	}))
	for who, want := range map[string]int{
		"nobody":     http.StatusUnauthorized,
		"a stranger": http.StatusInternalServerError, // so controller-runtime tells that the API server cannot read the token
		"bystander":  http.StatusForbidden, "reader": http.StatusOK,
	} {
		must(t, testbed.Await(ctx, func(ctx context.Context) error { // RBAC takes a moment
			status, body, err := scrape(ctx, "https://"+address+"/metrics", accounts[who])
			if err != nil || status != want || strings.Contains(body, "harbor_inventory_") != (want == http.StatusOK) {
				return fmt.Errorf("%s got status %d and %d bytes, want %d: %w", who, status, len(body), want, err)
			}
			return nil
		}))
	}
	if status, _, err := scrape(ctx, "http://"+address+"/metrics", accounts["reader"]); err == nil && status == http.StatusOK {
		t.Error("the metrics are served without TLS")
	}
}

func scrape(ctx context.Context, url, token string) (status int, body string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	// The manager makes its own certificate at every start.
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}
