// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

//go:embed dashboard.html
var page []byte

// drawn is what the page tells once it has drawn everything.
type drawn struct {
	Error string
	// Panels by title.
	Panels map[string]struct {
		Series  int
		Nonzero bool // one of the values, of any series at any time
	}
}

// complete fails unless each panel has something to show.
func (d *drawn) complete() error {
	if d.Error != "" {
		return fmt.Errorf("the page could not draw the dashboard: %s", d.Error)
	}
	var empty []string
	for title, panel := range d.Panels {
		if !panel.Nonzero {
			empty = append(empty, fmt.Sprintf("%s (%d series)", title, panel.Series))
		}
	}
	slices.Sort(empty)
	if len(empty) > 0 || len(d.Panels) == 0 {
		return fmt.Errorf("of %d panels, these have no value but zero: %s", len(d.Panels), strings.Join(empty, ", "))
	}
	return nil
}

// draw has Chromium open the page that draws the dashboard, and takes a picture,
// which is kept if there is something in each panel.
func (b *bed) draw(ctx context.Context, from, to time.Time, uplot, picture string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 2*time.Minute, errors.New("the dashboard was not drawn within two minutes"))
	defer cancel()
	told := make(chan *drawn, 1)
	server, err := b.servePage(ctx, from, to, uplot, told)
	if err != nil {
		return err
	}
	defer server.Close()
	dir, err := os.MkdirTemp("", "chromium")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	rows, err := gridRows()
	if err != nil {
		return err
	}
	taken := filepath.Join(dir, "picture.png")
	command := exec.CommandContext(ctx, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", //nolint:gosec // no input of anybody
		"--user-data-dir="+dir, "--force-device-scale-factor=1.5",
		fmt.Sprintf("--window-size=1280,%d", rows*rowHeight+60),
		"--screenshot="+taken, server.URL+"/")
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("chromium: %w (%w)\n%s", err, context.Cause(ctx), tail(string(out)))
	}
	select {
	case d := <-told:
		if err := d.complete(); err != nil {
			return err
		}
	default:
		return errors.New("the page did not tell that it has drawn the dashboard")
	}
	image, err := os.ReadFile(taken)
	if err != nil {
		return fmt.Errorf("chromium took no picture: %w", err)
	}
	if err := os.WriteFile(picture, image, 0o644); err != nil { //nolint:gosec // for everybody to see
		return err
	}
	fmt.Println("the picture is in", picture)
	return nil
}

// rowHeight is that of a row of the dashboard's grid on the page, in pixels.
const rowHeight = 34

const dashboardFile = "config/prometheus/dashboard.json"

// gridRows counts the rows of the dashboard's grid.
func gridRows() (rows int, err error) {
	var dashboard struct {
		Panels []struct{ GridPos struct{ Y, H int } }
	}
	text, err := os.ReadFile(dashboardFile)
	if err == nil {
		err = json.Unmarshal(text, &dashboard)
	}
	for _, p := range dashboard.Panels {
		rows = max(rows, p.GridPos.Y+p.GridPos.H)
	}
	return rows, err
}

// servePage serves the page, what it is made of, and Prometheus. The page tells
// at /drawn what it has drawn; until then, it waits for the image /held, and
// Chromium waits for that before it takes the picture.
func (b *bed) servePage(ctx context.Context, from, to time.Time, uplot string, told chan<- *drawn) (*httptest.Server, error) {
	base, err := url.Parse(b.prometheus.base)
	if err != nil {
		return nil, err
	}
	done := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(page) })
	mux.HandleFunc("/range.json", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]int64{"from": from.Unix(), "to": to.Unix()})
	})
	mux.HandleFunc("/drawn", func(_ http.ResponseWriter, r *http.Request) {
		d := &drawn{}
		if err := json.NewDecoder(r.Body).Decode(d); err != nil {
			d.Error = err.Error()
		}
		told <- d
		close(done)
	})
	mux.HandleFunc("/held", func(w http.ResponseWriter, _ *http.Request) {
		select {
		case <-done:
		case <-ctx.Done():
		}
		w.WriteHeader(http.StatusNoContent)
	})
	for path, file := range map[string]string{
		"/dashboard.json": dashboardFile,
		"/uplot.js":       filepath.Join(uplot, "uPlot.iife.min.js"),
		"/uplot.css":      filepath.Join(uplot, "uPlot.min.css"),
	} {
		if _, err := os.Stat(file); err != nil {
			return nil, err
		}
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, file) })
	}
	mux.Handle("/api/", httputil.NewSingleHostReverseProxy(base))
	return httptest.NewServer(mux), nil
}
