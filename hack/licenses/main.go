// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

// Command licenses lists the modules that are linked into the programs of the
// release, with the license of each, as docs/licenses.md has them. With -texts it
// writes the licenses themselves, which go with a release. It fails where a module
// has no license that is known here.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	root := flag.String("root", ".", "Root of the repository.")
	texts := flag.Bool("texts", false, "Write the texts of the licenses and notices.")
	flag.Parse()
	if err := run(os.Stdout, *root, *texts); err != nil {
		fmt.Fprintln(os.Stderr, "licenses:", err)
		os.Exit(1)
	}
}

// module is one that is linked.
type module struct{ Path, Version, Dir string }

func run(out io.Writer, root string, texts bool) error {
	modules, err := linked(root)
	if err != nil {
		return err
	}
	var all []string
	for _, m := range modules {
		text, err := m.license()
		if err != nil {
			return err
		}
		name := identify(text)
		if name == "" {
			return fmt.Errorf("%s@%s has a license that is not known here: read it, and teach hack/licenses its beginning", m.Path, m.Version)
		}
		if texts {
			all = append(all, fmt.Sprintf("==== %s %s: %s\n\n%s\n", m.Path, m.Version, name, text))
			continue
		}
		all = append(all, fmt.Sprintf("| `%s` | %s | %s |\n", m.Path, m.Version, name))
	}
	_, err = io.WriteString(out, strings.Join(all, ""))
	return err
}

// linked asks the go command which modules the programs are made of.
func linked(root string) ([]module, error) {
	command := exec.Command("go", "list", "-deps", "-json=Module", "./cmd/...") //nolint:noctx // ends by itself
	command.Dir = root
	var problems strings.Builder
	command.Stderr = &problems
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w\n%s", err, problems.String())
	}
	seen := map[string]module{}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			Module *struct {
				Path, Version, Dir string
				Main               bool
			}
		}
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		if p.Module != nil && !p.Module.Main {
			seen[p.Module.Path] = module{p.Module.Path, p.Module.Version, p.Module.Dir}
		}
	}
	var modules []module
	for _, m := range seen {
		modules = append(modules, m)
	}
	slices.SortFunc(modules, func(a, b module) int { return strings.Compare(a.Path, b.Path) })
	return modules, nil
}

// license returns the texts of the license and the notice in a module's root.
func (m module) license() (string, error) {
	entries, err := os.ReadDir(m.Dir)
	if err != nil {
		return "", err
	}
	var all []string
	for _, name := range []string{"license", "licence", "copying", "notice"} { //nolint:misspell // as some spell it
		at := slices.IndexFunc(entries, func(e fs.DirEntry) bool {
			lower := strings.ToLower(e.Name())
			return !e.IsDir() && (lower == name || strings.HasPrefix(lower, name+"."))
		})
		if at < 0 {
			continue
		}
		text, err := os.ReadFile(filepath.Join(m.Dir, entries[at].Name()))
		if err != nil {
			return "", err
		}
		all = append(all, string(text))
	}
	if len(all) == 0 {
		return "", fmt.Errorf("%s@%s has no license", m.Path, m.Version)
	}
	return strings.Join(all, "\n"), nil
}

// identify names a license by SPDX's identifier, by words that it alone has.
func identify(text string) string {
	words := strings.Join(strings.Fields(text), " ")
	has := func(parts ...string) bool {
		return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(words, part) })
	}
	var names []string
	for _, l := range []struct {
		name  string
		parts []string
	}{
		{"Apache-2.0", []string{"Apache License", "Version 2.0"}},
		{"MIT", []string{"Permission is hereby granted, free of charge, to any person obtaining a copy"}},
		{"ISC", []string{"Permission to use, copy, modify, and", "distribute this software for any purpose"}},
		{"MPL-2.0", []string{"Mozilla Public License Version 2.0"}},
		{"BSD-3-Clause", []string{"Redistribution and use in source and binary forms", "used to endorse"}},
	} {
		if has(l.parts...) {
			names = append(names, l.name)
		}
	}
	if has("Redistribution and use in source and binary forms") && !slices.Contains(names, "BSD-3-Clause") {
		names = append(names, "BSD-2-Clause")
	}
	return strings.Join(names, " and ")
}
