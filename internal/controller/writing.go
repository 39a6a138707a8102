// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
)

// listWriter creates and replaces lists. It has the API server answer with their
// metadata alone: the entries would only come back as they were sent. On 429
// with Retry-After it waits and tries again, up to ten times, as client-go does
// (rest.Request.MaxRetries).
type listWriter struct{ lists rest.Interface }

// listStore creates and replaces lists, as a [listWriter] does.
type listStore interface {
	create(ctx context.Context, list *v1alpha1.ArtifactList) ([]byte, error)
	update(ctx context.Context, list *v1alpha1.ArtifactList) ([]byte, error)
}

// onlyMetadata is how client-go's metadata client asks for it.
const onlyMetadata = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"

func newListWriter(mgr ctrl.Manager) (*listWriter, error) {
	lists, err := apiutil.RESTClientForGVK(v1alpha1.GroupVersion.WithKind("ArtifactList"), true, false,
		mgr.GetConfig(), serializer.NewCodecFactory(mgr.GetScheme()), mgr.GetHTTPClient())
	return &listWriter{lists}, err
}

// create and update return the answer.
func (w *listWriter) create(ctx context.Context, list *v1alpha1.ArtifactList) ([]byte, error) {
	return w.send(ctx, w.lists.Post(), list)
}

func (w *listWriter) update(ctx context.Context, list *v1alpha1.ArtifactList) ([]byte, error) {
	return w.send(ctx, w.lists.Put().Name(list.Name), list)
}

func (*listWriter) send(ctx context.Context, request *rest.Request, list *v1alpha1.ArtifactList) ([]byte, error) {
	result := request.Namespace(list.Namespace).Resource("artifactlists").SetHeader("Accept", onlyMetadata).Body(list).Do(ctx)
	if err := result.Error(); err != nil { // Raw's has no word of what the API server said
		return nil, err
	}
	return result.Raw()
}

// each does n writes side by side and returns the first error. One that fails
// does not end the others: what is written stays right.
func (o *listOutput) each(n int, write func(i int) error) error {
	var group errgroup.Group
	group.SetLimit(o.r.options.Writers)
	for i := range n {
		group.Go(func() error { return write(i) })
	}
	return group.Wait()
}

// send writes a list in its turn, and notes what became of it.
func (o *listOutput) send(
	ctx context.Context, verb string, list *v1alpha1.ArtifactList, write func(context.Context, *v1alpha1.ArtifactList) ([]byte, error),
) error {
	return o.inSlot(ctx, func() error {
		ctx, end := tracedWrite(ctx, verb, list.Name)
		answer, err := write(ctx, list)
		end(err)
		noteWrite(verb, err)
		if err == nil {
			o.written.wrote(list.Name, answer)
		}
		return err
	})
}

// inSlot does one write as soon as fewer than Options.Writers of this sync are in flight.
func (o *listOutput) inSlot(ctx context.Context, write func() error) error {
	if err := o.slots.Acquire(ctx, 1); err != nil {
		return err
	}
	defer o.slots.Release(1)
	return write()
}
