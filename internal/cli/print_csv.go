// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// csvColumns are the columns of a CSV export, in their order.
var csvColumns = []struct {
	name string
	cell func(*Artifact) string
}{
	{"namespace", func(a *Artifact) string { return a.Namespace }},
	{"inventory", func(a *Artifact) string { return a.Inventory }},
	{"harbor", func(a *Artifact) string { return a.Harbor }},
	{"project", func(a *Artifact) string { return a.Project }},
	{"repository", func(a *Artifact) string { return a.Repository }},
	{"digest", func(a *Artifact) string { return a.Digest }},
	{"tags", func(a *Artifact) string { return joined(a.Tags) }},
	{"type", func(a *Artifact) string { return a.Type }},
	{"mediaType", func(a *Artifact) string { return a.MediaType }},
	{"artifactType", func(a *Artifact) string { return a.ArtifactType }},
	{"sizeBytes", func(a *Artifact) string { return strconv.FormatInt(a.SizeBytes, 10) }},
	{"pushTime", pushTime},
	{"platforms", func(a *Artifact) string { return joined(a.Platforms) }},
	{"labels", func(a *Artifact) string { return joined(a.Labels) }},
	{"vulnerabilities", func(a *Artifact) string { return count(a, 5) }},
	{"critical", func(a *Artifact) string { return count(a, 0) }},
	{"high", func(a *Artifact) string { return count(a, 1) }},
	{"medium", func(a *Artifact) string { return count(a, 2) }},
	{"low", func(a *Artifact) string { return count(a, 3) }},
	{"fixable", func(a *Artifact) string { return count(a, 4) }},
	{"scanStatus", func(a *Artifact) string {
		if a.Vulnerabilities == nil {
			return ""
		}
		return a.Vulnerabilities.ScanStatus
	}},
	{"signed", func(a *Artifact) string {
		if a.Signed == nil {
			return ""
		}
		return strconv.FormatBool(*a.Signed)
	}},
	{"unavailable", func(a *Artifact) string { return joined(a.Unavailable) }},
	{"truncated", func(a *Artifact) string { return joined(a.Truncated) }},
}

// joined puts a list into one cell, a space between its elements: neither a tag
// nor a platform holds one; a label may.
func joined(list []string) string { return strings.Join(list, " ") }

func pushTime(a *Artifact) string {
	if a.PushTime == nil {
		return ""
	}
	return a.PushTime.UTC().Format(time.RFC3339Nano)
}

// count is one of the numbers of vulnerabilities; empty where no scan has a result,
// as scanStatus or unavailable say, or where nobody has looked yet.
func count(a *Artifact, i int) string {
	v := a.Vulnerabilities
	if scanOf(a) != yes {
		return ""
	}
	return strconv.FormatInt([]int64{v.Critical, v.High, v.Medium, v.Low, v.Fixable, v.Total}[i], 10)
}

// csvPrinter prints CSV (RFC 4180, with line feeds), tags and all.
type csvPrinter struct {
	out    *csv.Writer
	record []string
	header bool // to be printed yet
}

func newCSVPrinter(out io.Writer, header bool) *csvPrinter {
	return &csvPrinter{out: csv.NewWriter(out), record: make([]string, len(csvColumns)), header: header}
}

func (p *csvPrinter) print(a *Artifact) error {
	if err := p.begin(); err != nil {
		return err
	}
	for i, c := range csvColumns {
		p.record[i] = defused(c.cell(a))
	}
	return p.out.Write(p.record)
}

func (p *csvPrinter) begin() error {
	if !p.header {
		return nil
	}
	p.header = false
	for i, c := range csvColumns {
		p.record[i] = c.name
	}
	return p.out.Write(p.record)
}

// defused keeps a spreadsheet from taking a text for a formula: people who may
// push to a Harbor choose such texts (OWASP, CSV injection).
func defused(text string) string {
	if text != "" && slices.Contains([]byte("=+-@\t\r"), text[0]) {
		return "'" + text
	}
	return text
}

func (p *csvPrinter) flush() error {
	p.out.Flush()
	return p.out.Error()
}

func (p *csvPrinter) close() error {
	if err := p.begin(); err != nil {
		return err
	}
	return p.flush()
}
