// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Command harborsim serves a simulated Harbor for demonstrations and tests; see
// package harbortest.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/harbor-inventory/harbor-inventory/internal/harbor/harbortest"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "address to listen on")
	dataset := flag.String("dataset", "believable", "recorded, believable or generated[:projects=10,repositories=200,artifacts=50,seed=1]")
	version := flag.String("version", "2.16", "version of Harbor to behave as")
	latency := flag.Duration("latency", 0, "delay of every answer")
	flag.Parse()
	if err := serve(*listen, *dataset, *version, *latency); err != nil {
		log.Fatal(err)
	}
}

func serve(address, dataset, version string, latency time.Duration) error {
	v, err := harbortest.ParseVersion(version)
	if err != nil {
		return fmt.Errorf("--version: %w", err)
	}
	registry, err := harbortest.Dataset(dataset, harbortest.WithVersion(v))
	if err != nil {
		return fmt.Errorf("--dataset: %w", err)
	}
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", address)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	h := harbortest.NewHandler(registry, harbortest.Options{Latency: latency, Control: true})
	fmt.Printf("Harbor %s at http://%s accounts: %s\n", v, listener.Addr(), registry.Logins())
	server := &http.Server{Handler: h, ConnState: h.ConnState, ReadHeaderTimeout: 10 * time.Second}
	return server.Serve(listener)
}
