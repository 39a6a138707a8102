// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// proxy stands between a command and the API server, with the administrator's
// rights, and notes when lists of artifacts are asked for.
type proxy struct {
	server *http.Server

	mu    sync.Mutex
	asked []time.Time
}

// startProxy serves on the loopback interface, and writes proxy.kubeconfig.
func startProxy(ctx context.Context, b *bed) (*proxy, error) {
	target, err := url.Parse(b.config.Host)
	if err != nil {
		return nil, err
	}
	transport, err := rest.TransportFor(b.config)
	if err != nil {
		return nil, err
	}
	var listening net.ListenConfig
	listener, err := listening.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{}
	forward := httputil.NewSingleHostReverseProxy(target)
	forward.Transport, forward.FlushInterval = transport, -1
	p.server = &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/artifactlists") {
			p.mu.Lock()
			p.asked = append(p.asked, time.Now())
			p.mu.Unlock()
		}
		forward.ServeHTTP(w, r)
	})}
	go func() { _ = p.server.Serve(listener) }() // it says that it has been closed
	config := clientcmdapi.NewConfig()
	config.Clusters["proxy"] = &clientcmdapi.Cluster{Server: "http://" + listener.Addr().String()}
	config.Contexts["proxy"] = &clientcmdapi.Context{Cluster: "proxy"}
	config.CurrentContext = "proxy"
	return p, clientcmd.WriteToFile(*config, b.work.Path("proxy.kubeconfig"))
}

func (p *proxy) stop() { _ = p.server.Close() }

func (p *proxy) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = nil
}

// chunks are the times at which each was asked for, counted from a start.
func (p *proxy) chunks(start time.Time) []time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []time.Duration
	for _, at := range p.asked {
		all = append(all, at.Sub(start))
	}
	return all
}
