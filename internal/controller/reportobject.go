// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"maps"
	"slices"
	"strconv"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/shard"
	"github.com/harbor-inventory/harbor-inventory/internal/vulnerability"
)

// object makes the VulnerabilityReport of a content.
func (p *reportPass) object(c *vulnerability.Candidate, content *v1alpha1.VulnerabilityReport) (*v1alpha1.VulnerabilityReport, error) {
	project, _, _ := harbor.SplitRepository(c.Repository)
	report := content.DeepCopy()
	report.Harbor, report.Project = p.inv.Spec.Harbor.URL, project
	report.ObjectMeta = metav1.ObjectMeta{
		Namespace: p.inv.Namespace, Name: c.Name,
		Labels: map[string]string{
			v1alpha1.LabelInventory:      p.inv.Name,
			v1alpha1.LabelProject:        shard.ProjectLabel(project),
			v1alpha1.LabelRepositoryHash: shard.RepositoryHash(c.Repository),
		},
		Annotations: map[string]string{
			v1alpha1.AnnotationBasis:             c.Basis.String(),
			v1alpha1.AnnotationWrittenGeneration: "1", // what the API server gives a new object
		},
	}
	if report.Severity != "" && len(validation.IsValidLabelValue(report.Severity)) == 0 {
		report.Labels[v1alpha1.LabelSeverity] = report.Severity
	}
	return report, setOwner(report, p.inv, p.r.client.Scheme())
}

// write makes a report stand as it should be, and tells whether it was written.
func (p *reportPass) write(ctx context.Context, c *vulnerability.Candidate, content *v1alpha1.VulnerabilityReport) (bool, error) {
	report, err := p.object(c, content)
	if err != nil {
		return false, err
	}
	var live v1alpha1.VulnerabilityReport
	err = p.r.live.Get(ctx, client.ObjectKeyFromObject(report), &live)
	if apierrors.IsNotFound(err) {
		if err := p.r.client.Create(ctx, report); err != nil {
			return false, err
		}
		p.wrote(report, verbCreate)
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return p.replace(ctx, report, &live)
}

// replace updates a report that is still as it was read, where it differs.
func (p *reportPass) replace(ctx context.Context, report, live *v1alpha1.VulnerabilityReport) (bool, error) {
	generation := live.Generation
	differs := !equality.Semantic.DeepEqual(data(report), data(live))
	if differs {
		generation++
	}
	report.Annotations[v1alpha1.AnnotationWrittenGeneration] = strconv.FormatInt(generation, 10)
	if !differs && maps.Equal(report.Labels, live.Labels) && maps.Equal(report.Annotations, live.Annotations) && owned(live, p.inv) {
		return false, nil
	}
	report.ResourceVersion, report.UID = live.ResourceVersion, live.UID
	if err := p.r.client.Update(ctx, report); err != nil {
		return false, err
	}
	p.wrote(report, verbUpdate)
	return true, nil
}

// data is what a report holds besides metadata.
func data(report *v1alpha1.VulnerabilityReport) *v1alpha1.VulnerabilityReport {
	bare := *report
	bare.TypeMeta, bare.ObjectMeta = metav1.TypeMeta{}, metav1.ObjectMeta{}
	return &bare
}

func (p *reportPass) wrote(report *v1alpha1.VulnerabilityReport, verb string) {
	p.written[report.Name] = report.ResourceVersion
	reportWrites.WithLabelValues(verb).Inc()
}

// tag brings the tags of a report up to date; what was found stays as it is.
func (p *reportPass) tag(ctx context.Context, c *vulnerability.Candidate) error {
	var live v1alpha1.VulnerabilityReport
	if err := p.r.live.Get(ctx, client.ObjectKey{Namespace: p.inv.Namespace, Name: c.Name}, &live); err != nil {
		return client.IgnoreNotFound(err)
	}
	content := live.DeepCopy()
	tags, cut := vulnerability.Tags(c.Tags)
	content.Tags = tags
	content.Truncated = slices.DeleteFunc(content.Truncated, func(field string) bool { return field == "tags" })
	if cut {
		content.Truncated = append([]string{"tags"}, content.Truncated...) // the first by name
	}
	report, err := p.object(c, content)
	if err != nil {
		return err
	}
	_, err = p.replace(ctx, report, &live)
	return client.IgnoreNotFound(err)
}

// settle waits until the cache shows what was written: the next time, the reports
// are known by it.
func (p *reportPass) settle(ctx context.Context) {
	_ = wait.PollUntilContextTimeout(ctx, settlePause, settleLimit, true, func(ctx context.Context) (bool, error) {
		for name, version := range p.written {
			m := reportMetadata()
			if err := p.r.cache.Get(ctx, client.ObjectKey{Namespace: p.inv.Namespace, Name: name}, m, client.UnsafeDisableDeepCopy); err != nil {
				return false, nil //nolint:nilerr // not yet there
			}
			if order, err := resourceversion.CompareResourceVersion(m.ResourceVersion, version); err == nil && order < 0 {
				return false, nil
			}
		}
		return true, nil
	})
}
