// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// Server serves a [Receiver].
type Server struct {
	Receiver *Receiver
	// Address to listen on, as of net.Listen: ":9443".
	Address string
	// GetCertificate, if set, makes it HTTPS: it is asked for the certificate at
	// each handshake, so that one that is renewed is used at once.
	GetCertificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)

	listening atomic.Bool
}

// Listening tells whether requests are taken at present.
func (s *Server) Listening() bool { return s.listening.Load() }

// stopTimeout bounds how long requests in work are waited for at the end.
const stopTimeout = 5 * time.Second

// ListenAndServe serves at Address until the context ends. Then it answers what
// is in work, passes the last hints on and returns nil.
func (s *Server) ListenAndServe(ctx context.Context) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.Address)
	if err != nil {
		return err
	}
	return s.Serve(ctx, listener)
}

// Serve is ListenAndServe with a listener, which it closes.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	limits := s.Receiver.limits
	conns := newConnections(limits.Connections, s.Receiver.metrics)
	server := &http.Server{
		Handler:           conns.handler(s.Receiver),
		ConnContext:       conns.opened,
		ConnState:         conns.changed,
		ReadHeaderTimeout: limits.HeaderTimeout,
		ReadTimeout:       limits.HeaderTimeout + limits.BodyTimeout,
		WriteTimeout:      limits.HeaderTimeout + limits.BodyTimeout + lookupTimeout,
		IdleTimeout:       30 * time.Second,
		MaxHeaderBytes:    8 << 10,
		// Anybody can cause an error here, and nobody can do anything about it.
		ErrorLog: log.New(io.Discard, "", 0),
		// HTTP/2 would let one connection hold many requests; Harbor uses HTTP/1.1.
		Protocols: new(http.Protocols),
	}
	server.Protocols.SetHTTP1(true)
	if s.GetCertificate != nil {
		listener = tls.NewListener(listener, &tls.Config{
			GetCertificate: s.GetCertificate, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
		})
	}

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	passing, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var group errgroup.Group
	group.Go(func() error { return s.Receiver.Run(passing) })
	group.Go(func() error {
		<-ctx.Done()
		defer stop() // after the last request
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		if server.Shutdown(last) != nil {
			return server.Close()
		}
		return nil
	})
	s.listening.Store(true)
	err := server.Serve(listener)
	s.listening.Store(false)
	cancel()
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return errors.Join(err, group.Wait())
}
