// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bufio"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"
)

// printer prints artifacts as they come.
type printer interface {
	print(a *Artifact) error
	// flush has everything printed on its way.
	flush() error
	// close ends the output. It is not called after an error: what was printed
	// then is, for JSON, no whole document.
	close() error
}

// Output formats that take nothing.
const (
	formatTable = ""
	formatWide  = "wide"
	formatJSON  = "json"
	formatLines = "jsonl"
	formatYAML  = "yaml"
	formatName  = "name"
	formatCSV   = "csv"
)

// Output formats that take a template.
const (
	formatJSONPath = "jsonpath="
	formatColumns  = "custom-columns="
)

// outputFlags say how artifacts are printed.
type outputFlags struct {
	format    string
	noHeaders bool
	sortBy    string
	formats   []string // that the command has
}

var artifactFormats = []string{formatWide, formatName, formatJSON, formatLines, formatYAML, formatJSONPath, formatColumns}

const outputHelp = `The output is a table, printed row by row as artifacts are found, in the order in
which the API server has them: all artifacts of a repository together. In -o json,
yaml, jsonpath= and custom-columns= the fields are those of an ArtifactList's
artifacts, beside namespace, inventory, harbor, project and repository; json, yaml
and jsonpath have the artifacts below .items. -o jsonl gives one object a line, and
-o name the references to pull by.`

func (o *outputFlags) addFlags(command *cobra.Command, formats ...string) {
	o.formats = formats
	command.Flags().StringVarP(&o.format, "output", "o", "", "output format: "+strings.Join(formats, ", ")+"; a table if not given")
	command.Flags().BoolVar(&o.noHeaders, "no-headers", false, "tables without their first line")
	completeWords(command, "output", formats...)
}

func (o *outputFlags) addSortFlag(command *cobra.Command) {
	command.Flags().StringVar(&o.sortBy, "sort-by", "", "sort by this field, a JSONPath like .pushTime or .sizeBytes; nothing is printed before all has been read")
}

// look says how a printer's tables look.
type look struct {
	out        io.Writer
	now        time.Time
	namespaces bool // whether there is a column for them
	cluster    bool // whether the artifacts come from one
}

// printer returns the printer of the format. An error is a wrong usage.
func (o *outputFlags) printer(l look) (printer, error) {
	format, template := o.format, ""
	if format == "table" {
		format = formatTable
	}
	if name, given, ok := strings.Cut(o.format, "="); ok {
		format, template = name+"=", given
	}
	if format != formatTable && !slices.Contains(o.formats, format) {
		return nil, usageError("--output=%q: want %s", o.format, strings.Join(o.formats, ", "))
	}
	switch format {
	case formatJSON:
		return &jsonPrinter{out: bufio.NewWriter(l.out)}, nil
	case formatLines:
		return newLinesPrinter(l.out), nil
	case formatYAML:
		return &yamlPrinter{out: bufio.NewWriter(l.out)}, nil
	case formatName:
		return &namePrinter{out: bufio.NewWriter(l.out)}, nil
	case formatCSV:
		return newCSVPrinter(l.out, !o.noHeaders), nil
	case formatJSONPath:
		return newJSONPathPrinter(l.out, template)
	case formatColumns:
		return newColumnsPrinter(l.out, template, !o.noHeaders)
	default:
		return newTablePrinter(l, format == formatWide, !o.noHeaders), nil
	}
}

// jsonPrinter prints {"items": [...]}, indented as kubectl does.
type jsonPrinter struct {
	out   *bufio.Writer
	begun bool
}

func (p *jsonPrinter) print(a *Artifact) error {
	text, err := indented(a)
	if err != nil {
		return err
	}
	_, err = p.out.WriteString(p.lead() + text)
	return err
}

// lead is what stands before the next element.
func (p *jsonPrinter) lead() string {
	if p.begun {
		return ",\n        "
	}
	p.begun = true
	return "{\n    \"items\": [\n        "
}

func indented(a *Artifact) (string, error) {
	var text strings.Builder
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("        ", "    ")
	err := e.Encode(a)
	return strings.TrimSuffix(text.String(), "\n"), err
}

func (p *jsonPrinter) flush() error { return p.out.Flush() }

func (p *jsonPrinter) close() error {
	end := "\n    ]\n}\n"
	if !p.begun {
		end = "{\n    \"items\": []\n}\n"
	}
	_, _ = p.out.WriteString(end) // Flush has the error
	return p.out.Flush()
}

// linesPrinter prints one object a line.
type linesPrinter struct {
	out     *bufio.Writer
	encoder *json.Encoder
}

func newLinesPrinter(out io.Writer) *linesPrinter {
	p := &linesPrinter{out: bufio.NewWriter(out)}
	p.encoder = json.NewEncoder(p.out)
	p.encoder.SetEscapeHTML(false)
	return p
}

func (p *linesPrinter) print(a *Artifact) error { return p.encoder.Encode(a) }
func (p *linesPrinter) flush() error            { return p.out.Flush() }
func (p *linesPrinter) close() error            { return p.out.Flush() }

// yamlPrinter prints a document with the field items.
type yamlPrinter struct {
	out   *bufio.Writer
	begun bool
}

func (p *yamlPrinter) print(a *Artifact) error {
	text, err := yaml.Marshal([]*Artifact{a})
	if err != nil {
		return err
	}
	if !p.begun {
		p.begun = true
		_, _ = p.out.WriteString("items:\n") // Flush has the error
	}
	_, err = p.out.Write(text)
	return err
}

func (p *yamlPrinter) flush() error { return p.out.Flush() }

func (p *yamlPrinter) close() error {
	if !p.begun {
		_, _ = p.out.WriteString("items: []\n") // Flush has the error
	}
	return p.out.Flush()
}

// namePrinter prints references, as a container runtime pulls by them.
type namePrinter struct{ out *bufio.Writer }

func (p *namePrinter) print(a *Artifact) error {
	_, err := p.out.WriteString(a.reference() + "\n")
	return err
}
func (p *namePrinter) flush() error { return p.out.Flush() }
func (p *namePrinter) close() error { return p.out.Flush() }
