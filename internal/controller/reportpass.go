// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
	"github.com/harbor-inventory/harbor-inventory/internal/vulnerability"
)

// reportPass brings the reports of one inventory in line with its lists, once.
type reportPass struct {
	r        *Reconciler
	inv      *v1alpha1.HarborInventory
	state    *reportState
	standing []metav1.PartialObjectMetadata

	selection *vulnerability.Selection
	selected  int
	todo      vulnerability.Plan
	written   map[string]string // resourceVersions by name
	// current reports, and those of them that were cut.
	current, cut int
}

// plan chooses artifacts and compares them with the reports that stand.
func (p *reportPass) plan(ctx context.Context, verifyEvery time.Duration) error {
	p.state.begin(p.r.now())
	bases, stands := map[string]vulnerability.Basis{}, map[string]vulnerability.Standing{}
	for i := range p.standing {
		m := &p.standing[i]
		basis, err := vulnerability.ParseBasis(m.Annotations[v1alpha1.AnnotationBasis])
		if err == nil {
			bases[m.Name] = basis
		}
		stands[m.Name] = vulnerability.Standing{Basis: basis, Sound: soundReport(m), Verified: p.state.verifiedAt(m.Name)}
	}
	p.selection = vulnerability.NewSelection(p.inv, bases)
	lists, err := p.r.offer(ctx, p.inv, p.selection)
	if err != nil {
		p.state.again()
		return fmt.Errorf("choosing artifacts for vulnerability reports: %w", err)
	}
	chosen := p.selection.Chosen()
	p.selected = len(chosen)
	p.state.chose(chosen, lists)
	p.todo = vulnerability.NewPlan(chosen, stands, p.r.now(), verifyEvery)
	p.current, p.cut = p.todo.Current, p.todo.Cut
	return nil
}

// do does what was planned. What Harbor has to be asked for is done for so long
// as reportBudget allows; the rest is left to the next time.
func (p *reportPass) do(ctx context.Context) error {
	left := map[string]bool{}
	for _, name := range p.todo.Delete {
		left[name] = true
	}
	for i := range p.standing {
		if left[p.standing[i].Name] {
			if err := p.r.deleteReport(ctx, &p.standing[i]); err != nil {
				return err
			}
		}
	}
	for i := range p.todo.Tag {
		if err := p.tag(ctx, &p.todo.Tag[i]); err != nil {
			return err
		}
	}
	if len(p.todo.Read) == 0 {
		return nil
	}
	harborPlan, err := p.r.reportClient(ctx, p.inv)
	if err != nil {
		if obstacle, ok := errors.AsType[*stallError](err); ok { // the sync tells of it
			p.failFrom(0, obstacle.message)
			return nil
		}
		return err
	}
	defer harborPlan.client.Close()
	return p.readAll(ctx, harborPlan.client)
}

// failFrom notes a failure of all reports from the i-th on.
func (p *reportPass) failFrom(i int, message string) {
	for ; i < len(p.todo.Read); i++ {
		p.state.fail(&p.todo.Read[i], v1alpha1.ReportFailure{Message: cutMessage(message)}, p.r.now())
	}
}

// unansweredInARow is how many reports in a row Harbor may fail to answer before
// the others are left alone.
const unansweredInARow = 3

// readAll reads reports, one after the other, and writes them. It ends early when
// its context does, whose event brings us back.
func (p *reportPass) readAll(ctx context.Context, c *harbor.Client) error {
	until := p.r.now().Add(reportBudget)
	forbidden := map[string]error{} // by project
	unanswered := 0
	for i := range p.todo.Read {
		candidate := &p.todo.Read[i]
		if p.r.now().After(until) {
			p.state.again()
			return nil
		}
		if p.state.waits(candidate, p.r.now()) {
			continue
		}
		project, _, _ := harbor.SplitRepository(candidate.Repository)
		err := forbidden[project]
		if err == nil {
			err = p.read(ctx, c, candidate)
		}
		if err == nil {
			unanswered = 0
			continue
		}
		if write, ok := errors.AsType[*reportWriteError](err); ok || interrupted(ctx) {
			return write.orNil()
		}
		told := v1alpha1.ReportFailure{Repository: candidate.Repository, Digest: candidate.Digest, Message: cutMessage(err.Error())}
		if errors.Is(err, harbor.ErrForbidden) {
			forbidden[project] = err
			told.Repository, told.Digest = "", "" // said once for the whole project
		} else if errors.Is(err, harbor.ErrUnavailable) || errors.Is(err, harbor.ErrUnauthorized) {
			unanswered++
		}
		reportReads.WithLabelValues("failed").Inc()
		p.state.fail(candidate, told, p.r.now())
		if unanswered >= unansweredInARow {
			p.failFrom(i+1, fmt.Sprintf("harbor has failed %d times in a row, so the others were not asked for", unanswered))
			return nil
		}
	}
	return nil
}

// errNoReport: there is none, although the inventory shows what a scan found.
var errNoReport = errors.New("harbor has no report of this artifact now; a scan may be under way, or its report was removed")

// reportWriteError is a failure of the API server, and none of Harbor.
type reportWriteError struct{ err error }

func (e *reportWriteError) Error() string { return e.err.Error() }
func (e *reportWriteError) Unwrap() error { return e.err }

func (e *reportWriteError) orNil() error {
	if e == nil {
		return nil
	}
	return e.err
}

// read reads a report and writes it, where it differs.
func (p *reportPass) read(ctx context.Context, c *harbor.Client, candidate *vulnerability.Candidate) error {
	found, err := c.Vulnerabilities(transport.Background(ctx), candidate.Repository, candidate.Digest)
	switch {
	case errors.Is(err, harbor.ErrNotFound):
		reportReads.WithLabelValues("gone").Inc()
		p.state.fail(candidate, v1alpha1.ReportFailure{
			Repository: candidate.Repository, Digest: candidate.Digest,
			Message: "the artifact is gone from Harbor; the next sync takes it out of the inventory",
		}, p.r.now())
		return nil
	case err != nil:
		project, _, _ := harbor.SplitRepository(candidate.Repository)
		if errors.Is(err, harbor.ErrForbidden) { // the same text for each artifact of the project
			return needs("artifact-addition:read", project, harbor.ErrForbidden)
		}
		return err
	case found == nil:
		return errNoReport
	}
	content := vulnerability.Content(found, candidate.Repository, candidate.Digest, candidate.Tags, int(p.inv.Spec.VulnerabilityReports.MaxBytes))
	candidate.Basis.Cut = content.Omitted != nil
	changed, err := p.write(ctx, candidate, &content)
	if err != nil {
		return &reportWriteError{fmt.Errorf("writing the VulnerabilityReport %s: %w", candidate.Name, err)}
	}
	p.state.read(candidate.Name, p.r.now())
	p.current++
	if content.Omitted != nil {
		p.cut++
	}
	outcome := "unchanged"
	if changed {
		outcome = "written"
	}
	reportReads.WithLabelValues(outcome).Inc()
	return nil
}

// conclude waits until the cache shows what was written, and tells the numbers.
func (p *reportPass) conclude(ctx context.Context) error {
	if interrupted(ctx) {
		return nil
	}
	p.settle(ctx)
	var inv v1alpha1.HarborInventory
	if err := p.r.live.Get(ctx, client.ObjectKeyFromObject(p.inv), &inv); err != nil {
		return client.IgnoreNotFound(err)
	}
	if inv.UID != p.inv.UID || inv.Generation != p.inv.Generation {
		return nil
	}
	told := &v1alpha1.VulnerabilityReportsStatus{
		ObservedGeneration: inv.Generation,
		Eligible:           count32(p.selection.Eligible()),
		Selected:           count32(p.selected),
		LeftOut:            count32(p.selection.Eligible() - p.selected),
		Written:            count32(p.current),
		Cut:                count32(p.cut),
		Missing:            count32(p.selected - p.current),
		Failures:           p.state.told(),
	}
	status := inv.Status.DeepCopy()
	status.VulnerabilityReports = told
	if len(p.written)+len(p.todo.Delete) > 0 {
		log.FromContext(ctx).Info("wrote vulnerability reports", "selected", told.Selected, "current", told.Written, "missing", told.Missing,
			"written", len(p.written), "deleted", len(p.todo.Delete), "failures", len(told.Failures))
	}
	if err := p.r.patchStatus(ctx, &inv, status); err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	return nil
}

func count32(n int) int32 { return int32(n) } //nolint:gosec // far below 2^31
