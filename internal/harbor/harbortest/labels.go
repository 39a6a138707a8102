// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"fmt"
	"slices"
	"time"
)

// Label describes a label: of the project named, or global when Project is "".
type Label struct {
	Name, Description, Color, Project string
}

// CreateLabel makes a label and returns its id.
func (r *Registry) CreateLabel(l Label) (int64, error) {
	row := &label{name: l.Name, description: l.Description, color: l.Color, scope: "g"}
	err := r.write(func(now instant) error {
		if l.Project != "" {
			p := r.projects[l.Project]
			if p == nil {
				return fmt.Errorf("project %q: %w", l.Project, ErrNotFound)
			}
			row.scope, row.projectID = "p", p.id
		}
		row.id, row.created, row.updated = next(&r.ids.Label), now, now
		r.labels[row.id] = row
		return nil
	})
	return row.id, err
}

// AddLabel puts a label on the artifact that ref names. It does not move the
// repository's update_time.
func (r *Registry) AddLabel(repositoryName, ref string, id int64) error {
	return r.write(func(instant) error {
		_, a, err := r.lookup(repositoryName, ref)
		if err != nil {
			return err
		}
		if r.labels[id] == nil {
			return fmt.Errorf("label %d: %w", id, ErrNotFound)
		}
		if slices.Contains(a.labelIDs(), id) {
			return fmt.Errorf("label %d of %q: %w", id, ref, ErrConflict)
		}
		a.more().labels = append(slices.Clone(a.labelIDs()), id)
		return nil
	})
}

// RemoveLabel takes a label off the artifact that ref names.
func (r *Registry) RemoveLabel(repositoryName, ref string, id int64) error {
	return r.write(func(instant) error {
		_, a, err := r.lookup(repositoryName, ref)
		if err != nil {
			return err
		}
		if !slices.Contains(a.labelIDs(), id) {
			return fmt.Errorf("label %d of %q: %w", id, ref, ErrNotFound)
		}
		a.extra.labels = slices.DeleteFunc(slices.Clone(a.extra.labels), func(other int64) bool { return other == id })
		return nil
	})
}

// Scan is the result of a vulnerability scan.
type Scan struct {
	// Status is "Success" (the default), "Error", "Running", "Pending" or "Stopped".
	Status string
	// Findings by severity: "Critical", "High", "Medium", "Low", "None", "Unknown".
	Findings map[string]int
	// Fixable counts the findings that a newer package fixes.
	Fixable int
	// Duration of the scan.
	Duration time.Duration
}

// SetScan stores the result of a scan of the artifact that ref names. It does
// not move the repository's update_time.
func (r *Registry) SetScan(repositoryName, ref string, scan Scan) error {
	return r.write(func(now instant) error {
		_, a, err := r.lookup(repositoryName, ref)
		if err != nil {
			return err
		}
		a.more().scan = scanOverview(a.digest, scan, now)
		delete(a.extra.additions, vulnerabilities)
		if scan.Status == "" || scan.Status == "Success" {
			a.extra.addition(vulnerabilities, "application/json", report(a.digest, scan, scanner, now))
		}
		r.emitScan(a, scan, now)
		return nil
	})
}

func (e *extra) addition(name, contentType string, body []byte) {
	if e.additions == nil {
		e.additions = map[string]addition{}
	}
	e.additions[name] = addition{contentType: contentType, body: body}
}
