// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"iter"

	"k8s.io/client-go/rest"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/vulnerability"
)

// reportChunk is how many reports are asked for at once, at most: they are larger
// than lists, and the first row waits for the first of them alone.
const reportChunk = 50

// reportJoin says of artifacts what their VulnerabilityReports say to a query. The
// API server has both the reports and the ArtifactLists in the order of their
// names, and both names begin with that of the inventory and a hash of the
// repository. So the reports are read beside the lists, only as far as each artifact
// needs, and a row need not wait for reports of others.
//
// In memory is one report, and what each said that was read; an inventory has
// at most 1,000.
type reportJoin struct {
	query    *vulnerability.Matcher
	next     func() (*v1alpha1.VulnerabilityReport, error, bool)
	end      func()       // of the reading
	between  func() error // is called after each chunk but the last
	ordered  bool         // by name; otherwise all are read at once
	whole    bool         // everything has been read
	last     string       // the last report that was read, NAMESPACE/NAME
	verdicts map[string]verdict
	err      error // that ended the reading
}

// join begins to read reports. The caller ends it. What was found is printed after
// each chunk: the reports take longer to read than the lists.
func (s *source) join(ctx context.Context, client rest.Interface, namespace string, filter *Filter, between func() error) *reportJoin {
	l := s.reports(namespace, filter.project)
	l.chunk = min(l.chunk, reportChunk) // 0 stays 0
	j := &reportJoin{query: filter.findings, between: between, ordered: l.chunk > 0, verdicts: map[string]verdict{}}
	j.next, j.end = iter.Pull2(func(yield func(*v1alpha1.VulnerabilityReport, error) bool) {
		enough := errors.New("enough")
		err := stream(ctx, client, l, func(report *v1alpha1.VulnerabilityReport) error {
			if !yield(report, nil) {
				return enough
			}
			return nil
		}, func() error { return nil })
		if err != nil && !errors.Is(err, enough) {
			yield(nil, err)
		}
	})
	return j
}

// errDisorder: nothing that Kubernetes documents promises the order of an answer,
// though the API server's paging rests on it.
var errDisorder = errors.New("listing vulnerabilityreports: the API server does not give them in the order of their names: run it again with --chunk-size=0")

// read reads on until the report of this name has been read, or cannot be there.
func (j *reportJoin) read(name string) {
	for !j.whole && j.err == nil && (!j.ordered || j.last < name) {
		report, err, more := j.next()
		if !more || err != nil {
			j.whole, j.err = true, err
			return
		}
		if n := len(j.verdicts); n > 0 && n%reportChunk == 0 {
			j.err = j.between()
		}
		read := report.Namespace + "/" + report.Name
		if read < j.last && j.ordered {
			j.err = errDisorder
		}
		said, _ := j.query.Ask(report)
		j.last, j.verdicts[read] = read, reportVerdict[said]
	}
}

var reportVerdict = map[vulnerability.Answer]verdict{vulnerability.No: no, vulnerability.Yes: yes, vulnerability.Unknown: cutReport}

// of is what is known of an artifact: nothing, where there is no report, unless its
// scan found nothing at all.
func (j *reportJoin) of(a *Artifact) verdict {
	name := a.Namespace + "/" + vulnerability.ReportName(a.Inventory, a.Repository, a.Digest)
	j.read(name)
	if said, reported := j.verdicts[name]; reported {
		return said
	}
	switch scan := scanOf(a); {
	case scan != yes:
		return scan
	case a.Vulnerabilities.Total == 0:
		return no
	default:
		return noReport
	}
}
