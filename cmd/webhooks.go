// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"path/filepath"

	"sigs.k8s.io/controller-runtime/pkg/certwatcher"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// webhookTLS has webhooks received over HTTPS, where a certificate is given.
func (s *settings) webhookTLS(mgr manager.Manager) error {
	if !s.controller.Webhooks.On() || s.webhookCertificates == "" {
		return nil
	}
	watcher, err := certwatcher.New(
		filepath.Join(s.webhookCertificates, "tls.crt"), filepath.Join(s.webhookCertificates, "tls.key"))
	if err != nil {
		return fmt.Errorf("--webhook-cert-path: %w", err)
	}
	s.controller.Webhooks.GetCertificate = watcher.GetCertificate
	return mgr.Add(watcher)
}
