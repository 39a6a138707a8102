// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"errors"
	"fmt"
	"net/url"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/egress"
)

// permitted judges the Harbor of a spec as the spec names it; the address is
// judged when it is dialed. An obstacle is a *stallError.
func (r *Reconciler) permitted(spec *v1alpha1.HarborEndpoint) error {
	u, err := harbor.ParseURL(spec.URL)
	if err != nil {
		return &stallError{reason: v1alpha1.ReasonInvalidSpec, message: "spec.harbor.url: " + err.Error()}
	}
	err = r.options.Egress.Endpoint(u, spec.InsecureSkipTLSVerify)
	if message, refused := refusal(err, spec.URL); refused {
		return &stallError{reason: v1alpha1.ReasonHarborNotAllowed, message: message}
	}
	return err
}

// refusal tells whether an error is that of a Harbor that is not allowed, and
// names field, value and remedy.
func refusal(err error, address string) (message string, refused bool) {
	var r *egress.RefusalError
	if !errors.As(err, &r) {
		return "", false
	}
	host := hostOf(address)
	remedy := ", or ask the operator's administrator to "
	switch r.Cause {
	case egress.PlainHTTP:
		return fmt.Sprintf("spec.harbor.url: the operator does not allow plain HTTP, as to %q: use https://%sset the flag --allow-plain-http", host, remedy), true
	case egress.InsecureTLS:
		return "spec.harbor.insecureSkipTLSVerify: the operator does not allow true: name the authority of Harbor's certificate in spec.harbor.caBundleRef instead" +
			remedy + "set the flag --allow-insecure-tls", true
	case egress.HostForm:
		return fmt.Sprintf("spec.harbor.url: %q can be read in more than one way: give the host as a DNS name in ASCII, or as an address like 192.0.2.1 or [2001:db8::1]", host), true
	case egress.HostNotAllowed:
		return fmt.Sprintf("spec.harbor.url: %q is not among the hosts that the operator may ask: correct it%sname it in the flag --allowed-harbor-hosts", host, remedy), true
	case egress.AddressDenied:
		return fmt.Sprintf("spec.harbor.url: %q has an address that the operator may not ask: correct it%stake it out of the flag --denied-harbor-cidrs", host, remedy), true
	case egress.AddressSpecial:
		return fmt.Sprintf("spec.harbor.url: %q has a %s address, which the operator may not ask: correct it%sname it in the flag --allowed-harbor-cidrs", host, r.Kind, remedy), true
	default:
		return fmt.Sprintf("spec.harbor.url: %q has an address that is not among those that the operator may ask: correct it%sname it in the flag --allowed-harbor-cidrs", host, remedy), true
	}
}

// hostOf returns the host of an address, and its port, as a message shows them.
func hostOf(address string) string {
	host := address
	if u, err := url.Parse(address); err == nil {
		host = u.Host
	}
	if len(host) > maxHostShown {
		host = host[:maxHostShown] + "..."
	}
	return host
}

// maxHostShown bounds a host in a message: a name has at most 253 characters, and
// a port five.
const maxHostShown = 260
