// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/liggitt/tabwriter"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	humanduration "k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/cli-runtime/pkg/printers"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// tableBatch is how many rows a table's widths are measured over before they are
// printed. The columns of later rows may be wider, never narrower.
const tableBatch = 100

// none stands for what is not there, as in kubectl.
const none = "<none>"

// unknown stands for what an inventory does not know, or not yet.
const unknown = "<unknown>"

// column of a table of artifacts.
type column struct {
	name string
	wide bool
	cell func(a *Artifact, now time.Time) string
}

var artifactColumns = []column{
	{"Repository", false, func(a *Artifact, _ time.Time) string { return a.Repository }},
	{"Tags", false, func(a *Artifact, _ time.Time) string { return someOf(a.Tags, 3, full(a, "tags", len(a.Tags))) }},
	{"Digest", false, func(a *Artifact, _ time.Time) string { return shortDigest(a.Digest) }},
	{"Type", false, func(a *Artifact, _ time.Time) string { return orNone(a.Type) }},
	{"Size", false, func(a *Artifact, _ time.Time) string { return size(a.SizeBytes) }},
	{"Pushed", false, func(a *Artifact, now time.Time) string { return age(a.PushTime, now) }},
	{"Platforms", true, func(a *Artifact, _ time.Time) string {
		return someOf(a.Platforms, 3, full(a, "platforms", len(a.Platforms)))
	}},
	{"Labels", true, func(a *Artifact, _ time.Time) string { return someOf(a.Labels, 3, full(a, "labels", len(a.Labels))) }},
	{"Vulnerabilities", true, func(a *Artifact, _ time.Time) string { return vulnerabilities(a) }},
	{"Signed", true, func(a *Artifact, _ time.Time) string { return signed(a.Signed) }},
}

var (
	namespaceColumn = column{"Namespace", false, func(a *Artifact, _ time.Time) string { return a.Namespace }}
	inventoryColumn = column{"Inventory", true, func(a *Artifact, _ time.Time) string { return a.Inventory }}
)

// tablePrinter prints rows in batches, each aligned by what was seen until then.
type tablePrinter struct {
	columns     []column
	definitions []metav1.TableColumnDefinition
	rows        []metav1.TableRow
	now         time.Time
	tabs        *tabwriter.Writer
	printer     printers.ResourcePrinter
}

func newTablePrinter(l look, wide, headers bool) *tablePrinter {
	p := &tablePrinter{
		now: l.now, tabs: printers.GetNewTabWriter(l.out),
		printer: printers.NewTablePrinter(printers.PrintOptions{NoHeaders: !headers, Wide: wide}),
	}
	var columns []column
	if l.namespaces {
		columns = append(columns, namespaceColumn)
	}
	columns = append(columns, artifactColumns...)
	if l.cluster {
		columns = append(columns, inventoryColumn)
	}
	for _, c := range columns {
		if c.wide && !wide {
			continue
		}
		p.columns = append(p.columns, c)
		p.definitions = append(p.definitions, metav1.TableColumnDefinition{Name: c.name, Type: "string"})
	}
	return p
}

func (p *tablePrinter) print(a *Artifact) error {
	cells := make([]any, len(p.columns))
	for i, c := range p.columns {
		cells[i] = c.cell(a, p.now)
	}
	p.rows = append(p.rows, metav1.TableRow{Cells: cells})
	if len(p.rows) >= tableBatch {
		return p.flush()
	}
	return nil
}

func (p *tablePrinter) flush() error {
	if len(p.rows) == 0 {
		return nil
	}
	if err := p.printer.PrintObj(&metav1.Table{ColumnDefinitions: p.definitions, Rows: p.rows}, p.tabs); err != nil {
		return err
	}
	p.rows = p.rows[:0]
	return p.tabs.Flush()
}

func (p *tablePrinter) close() error { return p.flush() }

// full is how many elements Harbor has, of which an entry shows so many.
func full(a *Artifact, field string, shown int) int {
	if total, cut := a.Totals[field]; cut {
		return int(total)
	}
	return shown
}

// someOf names the first few, and says how many more there are.
func someOf(names []string, few, total int) string {
	if len(names) == 0 {
		return none
	}
	shown := names[:min(few, len(names))]
	text := strings.Join(shown, ",")
	if more := total - len(shown); more > 0 {
		text += fmt.Sprintf(",+%d more", more)
	}
	return text
}

func orNone(text string) string {
	if text == "" {
		return none
	}
	return text
}

// size in binary units, with four digits at most.
func size(bytes int64) string {
	value, unit := float64(bytes), "B"
	for _, larger := range []string{"KiB", "MiB", "GiB", "TiB", "PiB"} {
		if value < 1023.95 {
			break
		}
		value, unit = value/1024, larger
	}
	if unit == "B" {
		return fmt.Sprintf("%dB", bytes)
	}
	return fmt.Sprintf("%.1f%s", value, unit)
}

func age(t *metav1.MicroTime, now time.Time) string {
	if t == nil {
		return none
	}
	return humanduration.HumanDuration(max(0, now.Sub(t.Time)))
}

// vulnerabilities by severity, or why there are none to show.
func vulnerabilities(a *Artifact) string {
	switch scanOf(a) {
	case unscanned:
		return "NotScanned"
	case notLookedUp:
		return unknown
	case noResult:
		return "Scan" + a.Vulnerabilities.ScanStatus // ScanError, ScanRunning, ...
	default:
		return bySeverity(&a.Vulnerabilities.VulnerabilityCounts)
	}
}

func bySeverity(v *v1alpha1.VulnerabilityCounts) string {
	var parts []string
	for _, of := range []struct {
		count int64
		name  string
	}{{v.Critical, "C"}, {v.High, "H"}, {v.Medium, "M"}, {v.Low, "L"}, {v.Other, "other"}} {
		if of.count > 0 {
			parts = append(parts, fmt.Sprintf("%d%s", of.count, of.name))
		}
	}
	if len(parts) == 0 {
		return "0"
	}
	return strings.Join(parts, ",")
}

func signed(is *bool) string {
	switch {
	case is == nil:
		return unknown
	case *is:
		return "yes"
	default:
		return "no"
	}
}
