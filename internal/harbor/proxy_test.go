// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/egress"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
)

// proxy is one as HTTP_PROXY and HTTPS_PROXY name it. Every host is the one server.
type proxy struct {
	target string // host:port

	mu   sync.Mutex
	seen []string // method and host of each request
	bare bool     // a CONNECT held credentials
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.seen = append(p.seen, r.Method+" "+r.Host)
	p.bare = p.bare || r.Method == http.MethodConnect && r.Header.Get("Authorization") != ""
	p.mu.Unlock()
	if r.Method != http.MethodConnect {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"harbor_version":"through the proxy"}`)
		return
	}
	there, err := (&net.Dialer{}).DialContext(r.Context(), "tcp", p.target)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer there.Close()
	here, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer here.Close()
	_, _ = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
	go func() {
		_, _ = io.Copy(there, here)
		there.Close()
	}()
	_, _ = io.Copy(here, there) // until either side is done
}

// TestProxyOfTheEnvironment: HTTP_PROXY, HTTPS_PROXY and NO_PROXY say which way
// requests go, and what is asked over TLS the proxy does not see. The proxy may be
// anywhere; of a Harbor behind it the URL alone is judged. net/http reads the
// environment once in a process, so the test runs itself again in others.
func TestProxyOfTheEnvironment(t *testing.T) {
	if url := os.Getenv("TEST_HARBOR_URL"); url != "" {
		c, err := harbor.New(harbor.Config{
			URL: url, Username: "robot$inventory", Password: "secret", Retry: transport.RetryPolicy{Tries: 1},
			CABundle: []byte(os.Getenv("TEST_HARBOR_CA")), Egress: &egress.Policy{PlainHTTP: true},
		})
		if err != nil {
			t.Logf("not even tried: %v", err)
			return
		}
		defer c.Close()
		info, err := c.SystemInfo(t.Context())
		t.Logf("version %q, error %v", info.Version, err)
		return
	}
	srv := harbortest.NewServer(t, harbortest.Recorded(), harbortest.Options{TLS: true})
	for _, tt := range []struct {
		about, url, variable, noProxy string
		says                          string
		seen                          string // by the proxy
	}{
		{"plain HTTP", "http://example.com", "HTTP_PROXY", "", "through_the_proxy", "GET example.com"},
		{"TLS", "https://example.com", "HTTPS_PROXY", "", "error <nil>", "CONNECT example.com:443"},
		{"of another scheme", "https://proxied.invalid", "HTTP_PROXY", "", "error GET /systeminfo", ""},
		{"not for this host", "http://proxied.invalid", "HTTP_PROXY", "invalid", "error GET /systeminfo", ""},
		{"never for this machine", srv.URL, "HTTPS_PROXY", "", "not even tried: the host's address is a loopback address", ""},
		{"a special address behind it", "https://169.254.169.254", "HTTPS_PROXY", "", "not even tried: the host's address is a cloud metadata address", ""},
		{"a name of one", "http://metadata.google.internal", "HTTP_PROXY", "", "not even tried: the host's address is a cloud metadata address", ""},
		{"a number for one", "https://2852039166", "HTTPS_PROXY", "", "not even tried: the host is neither", ""},
		{"characters for one", "https://１６９.254.169.254", "HTTPS_PROXY", "", "not even tried: the host is neither", ""},
	} {
		t.Run(tt.about, func(t *testing.T) {
			p := &proxy{target: strings.TrimPrefix(srv.URL, "https://")}
			at := httptest.NewServer(p)
			defer at.Close()
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProxyOfTheEnvironment$", "-test.v")
			child.Env = []string{
				"TEST_HARBOR_URL=" + tt.url, "TEST_HARBOR_CA=" + string(srv.CertificatePEM()),
				tt.variable + "=" + at.URL, "NO_PROXY=" + tt.noProxy, "GORACE=atexit_sleep_ms=0",
			}
			out, err := child.CombinedOutput()
			if err != nil || !strings.Contains(string(out), tt.says) {
				t.Errorf("%v, does not say %q:\n%s", err, tt.says, out)
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			if got := strings.Join(p.seen, ", "); got != tt.seen {
				t.Errorf("the proxy saw %q, want %q", got, tt.seen)
			}
			if p.bare {
				t.Error("the proxy was shown Harbor's credentials")
			}
		})
	}
}
