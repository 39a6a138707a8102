// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"encoding/json"
	"os"
	"testing"
)

// grid is a place on the dashboard, which is 24 columns wide.
type grid struct{ X, Y, W, H int }

type source struct{ Type, UID string }

// The dashboard asks for metrics that there are, from the Prometheus that its
// reader chooses, in panels that do not cover each other and say what they show.
func TestDashboard(t *testing.T) {
	var dashboard struct {
		UID, Title string
		Templating struct {
			List []struct{ Name, Type, Query any }
		}
		Panels []struct {
			ID                       int
			Type, Title, Description string
			GridPos                  grid
			Datasource               source
			Targets                  []struct {
				Expr, RefID string
				Datasource  source
			}
		}
	}
	text, err := os.ReadFile("prometheus/dashboard.json")
	must(t, err)
	must(t, json.Unmarshal(text, &dashboard))
	if len(dashboard.Templating.List) == 0 || dashboard.Templating.List[0].Name != "datasource" || dashboard.Templating.List[0].Query != "prometheus" {
		t.Errorf("the first variable is not the data source: %v", dashboard.Templating.List)
	}
	chosen := source{"prometheus", "${datasource}"}
	ids, titles, covered := map[int]bool{}, map[string]bool{}, map[[2]int]string{}
	for _, p := range dashboard.Panels {
		heading := p.Type == "row"
		if p.ID == 0 || ids[p.ID] || p.Title == "" || titles[p.Title] || !heading && (p.Description == "" || len(p.Targets) == 0) {
			t.Errorf("panel %d %q: its id or title is another's, or it lacks a description or queries", p.ID, p.Title)
		}
		ids[p.ID], titles[p.Title] = true, true
		if p.Type != "row" && p.Type != "stat" && p.Type != "timeseries" && p.Type != "state-timeline" {
			t.Errorf("%s: panels of type %s are not drawn by hack/seen", p.Title, p.Type)
		}
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := covered[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("%s covers %q or leaves the dashboard", p.Title, other)
				}
				covered[[2]int{x, y}] = p.Title
			}
		}
		refs := map[string]bool{}
		for _, target := range p.Targets {
			if target.Datasource != chosen || p.Datasource != chosen || refs[target.RefID] {
				t.Errorf("%s: the data source is not the chosen one, or two queries have one refId", p.Title)
			}
			refs[target.RefID] = true
			asksForMetrics(t, p.Title, target.Expr)
		}
	}
	if len(dashboard.Panels) == 0 || dashboard.UID == "" || dashboard.Title == "" {
		t.Error("the dashboard lacks panels, a uid or a title")
	}
}
