// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/liggitt/tabwriter"
	kjson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/cli-runtime/pkg/printers"
	"k8s.io/client-go/util/jsonpath"
)

// object is an artifact, or another value with fields, as JSONPath sees it.
func object(value any) (map[string]any, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	var o map[string]any
	return o, kjson.Unmarshal(text, &o) // integers stay integers
}

// jsonPathPrinter applies a template to {"items": [...]} of all artifacts, which
// it keeps until the end.
type jsonPathPrinter struct {
	out   io.Writer
	path  *jsonpath.JSONPath
	items []any
}

func newJSONPathPrinter(out io.Writer, template string) (*jsonPathPrinter, error) {
	p := &jsonPathPrinter{out: out, path: jsonpath.New("output").AllowMissingKeys(true), items: []any{}}
	if err := p.path.Parse(template); err != nil || template == "" {
		return nil, usageError("--output=jsonpath=%s: want a template like {.items[*].digest}", template)
	}
	return p, nil
}

func (p *jsonPathPrinter) print(a *Artifact) error { return p.add(a) }

func (p *jsonPathPrinter) add(value any) error {
	o, err := object(value)
	p.items = append(p.items, o)
	return err
}

func (*jsonPathPrinter) flush() error { return nil }

func (p *jsonPathPrinter) close() error { return p.apply(map[string]any{"items": p.items}) }

// execute applies the template to a single value instead.
func (p *jsonPathPrinter) execute(value any) error {
	o, err := object(value)
	if err != nil {
		return err
	}
	return p.apply(o)
}

func (p *jsonPathPrinter) apply(o map[string]any) error {
	if err := p.path.Execute(p.out, o); err != nil {
		return fmt.Errorf("--output=jsonpath=: %w", err)
	}
	return nil
}

// relaxed returns a JSONPath of a field that was given as x.y, .x.y, {x.y} or {.x.y}.
func relaxed(expression string) (*jsonpath.JSONPath, error) {
	inner := strings.TrimSpace(expression)
	if strings.HasPrefix(inner, "{") && strings.HasSuffix(inner, "}") {
		inner = inner[1 : len(inner)-1]
	}
	inner = strings.TrimPrefix(inner, ".")
	if inner == "" || strings.ContainsAny(inner, "{}") {
		return nil, fmt.Errorf("%q is no JSONPath of a field, like .pushTime", expression)
	}
	path := jsonpath.New("field").AllowMissingKeys(true)
	if err := path.Parse("{." + inner + "}"); err != nil {
		return nil, fmt.Errorf("%q is no JSONPath of a field, like .pushTime: %w", expression, err)
	}
	return path, nil
}

// values are what a path finds in an object.
func values(path *jsonpath.JSONPath, o map[string]any) ([]any, error) {
	found, err := path.FindResults(o)
	if err != nil {
		return nil, err
	}
	var all []any
	for _, results := range found {
		for _, result := range results {
			all = append(all, result.Interface())
		}
	}
	return all, nil
}

// columnsPrinter prints columns that the user has chosen: NAME:.path,NAME:.path
type columnsPrinter struct {
	tabs    *tabwriter.Writer
	paths   []*jsonpath.JSONPath
	heading string // empty once it is printed
	rows    int
}

func newColumnsPrinter(out io.Writer, spec string, headers bool) (*columnsPrinter, error) {
	p := &columnsPrinter{tabs: printers.GetNewTabWriter(out)}
	var names []string
	for given := range strings.SplitSeq(spec, ",") {
		name, expression, ok := strings.Cut(given, ":")
		if !ok || name == "" {
			return nil, usageError("--output=custom-columns=%s: want NAME:.path,NAME:.path, like REPOSITORY:.repository,DIGEST:.digest", spec)
		}
		path, err := relaxed(expression)
		if err != nil {
			return nil, usageError("--output=custom-columns=%s: %w", spec, err)
		}
		names, p.paths = append(names, name), append(p.paths, path)
	}
	if headers {
		p.heading = strings.Join(names, "\t") + "\n"
	}
	return p, nil
}

func (p *columnsPrinter) print(a *Artifact) error { return p.row(a) }

func (p *columnsPrinter) row(value any) error {
	o, err := object(value)
	if err != nil {
		return err
	}
	cells := make([]string, len(p.paths))
	for i, path := range p.paths {
		found, err := values(path, o)
		if err != nil {
			return err
		}
		cells[i] = none
		if len(found) > 0 {
			var texts []string
			for _, value := range found {
				texts = append(texts, printers.EscapeTerminal(fmt.Sprint(value)))
			}
			cells[i] = strings.Join(texts, ",")
		}
	}
	if _, err := io.WriteString(p.tabs, p.heading+strings.Join(cells, "\t")+"\n"); err != nil {
		return err
	}
	p.heading = ""
	if p.rows++; p.rows%tableBatch == 0 {
		return p.flush()
	}
	return nil
}

func (p *columnsPrinter) flush() error { return p.tabs.Flush() }
func (p *columnsPrinter) close() error { return p.tabs.Flush() }
