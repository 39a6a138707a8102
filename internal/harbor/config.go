// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor/egress"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
)

// Config of a [Client].
type Config struct {
	// URL is scheme://host[:port][/prefix], the address of Harbor's portal.
	URL string

	// Username and Password of a robot account or a user. Both empty: anonymous.
	Username, Password string

	// CABundle holds certificates in PEM that Harbor's own is verified with, and
	// no others. Nil: the system's.
	CABundle []byte

	// ClientCertificate is shown to a server that asks for one. Nil: none is.
	ClientCertificate *tls.Certificate

	// InsecureSkipVerify accepts any certificate.
	InsecureSkipVerify bool

	// Egress says which Harbors are allowed. Nil: all. Where a proxy of the
	// environment is on the way, that resolves the host's name and dials the
	// address: then the URL alone is judged.
	Egress *egress.Policy

	// UserAgent is sent with each request: harbor-inventory/<version>.
	UserAgent string

	// Limiters bound the requests in flight: one slot of each is held for every
	// request. Those shared by more clients come last.
	Limiters []*transport.Limiter

	// MaxConnections bounds the connections, in use or kept for use. Default 5.
	MaxConnections int

	Retry    transport.RetryPolicy
	Timeouts transport.Timeouts

	// MaxBodyBytes bounds an answer's body; beyond it the error is [ErrTooLarge].
	// Default 64 MiB.
	MaxBodyBytes int64

	// Observer is told of each request, retries too; may be nil.
	Observer transport.Observer

	// BudgetSpent is told of each call that could have been tried again, had not
	// too many been (see [transport.Budget]); may be nil. It is called by several
	// goroutines at once.
	BudgetSpent func()

	// Dial opens connections, in place of TCP; Egress does not apply to it. May be
	// nil.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// tls says which certificates are taken and shown.
func (config Config) tls() (*tls.Config, error) {
	c := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: config.InsecureSkipVerify, //nolint:gosec // the user asked for it by name
	}
	if config.ClientCertificate != nil {
		c.Certificates = []tls.Certificate{*config.ClientCertificate}
	}
	if config.CABundle != nil {
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(config.CABundle) {
			return nil, ErrNoCertificate
		}
	}
	return c, nil
}

// observer tells everybody who learns from what becomes of requests.
func (config Config) observer(pages *pageSizer) transport.Observer {
	return func(o transport.Observation) {
		for _, l := range config.Limiters {
			l.Learn(o)
		}
		pages.observe(o)
		if config.Observer != nil {
			config.Observer(o)
		}
	}
}

// permit judges the URL, and returns who judges the addresses that are dialed.
// All requests of a client go to one scheme and host, redirected ones too, so
// that a proxy is on the way of all of them or of none.
func (config Config) permit(base *url.URL) (func(netip.Addr) error, error) {
	if config.Egress == nil {
		return nil, nil
	}
	if err := config.Egress.Endpoint(base, config.InsecureSkipVerify); err != nil {
		return nil, err
	}
	if proxy, err := http.ProxyFromEnvironment(&http.Request{URL: base}); err == nil && proxy != nil {
		return nil, nil // what is dialed is the proxy, which the administrator named
	}
	return config.Egress.Address, nil
}

// ParseURL reads Config.URL. Its errors do not repeat it, for there may be
// credentials in it.
func ParseURL(text string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(text, "/"))
	switch {
	case err != nil, u.Hostname() == "", u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("the URL of a Harbor must be like https://harbor.example.com")
	case u.User != nil:
		return nil, errors.New("the URL of a Harbor must not hold credentials; they belong into the Secret")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("the URL of a Harbor must be without query and fragment, like https://harbor.example.com")
	}
	return u, nil
}
