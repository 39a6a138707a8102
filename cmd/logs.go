// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	stdlog "log"
	"strings"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
)

// setLogger has everything logged in one form, what libraries say to Go's
// standard logger too: net/http tells it of handshakes that fail.
func setLogger(options *zap.Options) {
	ctrl.SetLogger(zap.New(zap.UseFlagOptions(options)))
	stdlog.SetFlags(0)
	log := ctrl.Log.WithName("standard")
	stdlog.SetOutput(lines(func(line string) { log.Info(line) }))
}

// lines is a writer of log lines.
type lines func(string)

func (l lines) Write(p []byte) (int, error) {
	l(strings.TrimSpace(string(p)))
	return len(p), nil
}
