// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"
)

// listing is what to list.
type listing struct {
	resource  string
	namespace string // "" for all
	labels    string // selectors
	fields    string
	chunk     int64 // objects asked for at once; 0 for all
}

// errExpired: etcd has forgotten the state that the first chunk was read from
// (the API server keeps five minutes of it).
var errExpired = errors.New("the API server no longer has the state that the first chunk is of, so the rest cannot be read; run it again, with a larger --chunk-size, or with 0 to read everything at once")

// errNotInstalled: the API server does not know the resource.
var errNotInstalled = errors.New("the cluster does not know them: install the CustomResourceDefinitions of harbor-inventory, or choose another cluster by --context or --kubeconfig")

// stream lists objects chunk by chunk, and hands each one over as soon as it is
// decoded, while the rest of its chunk is still coming in. After each chunk,
// between is called.
func stream[T any](ctx context.Context, client rest.Interface, l listing, take func(*T) error, between func() error) error {
	for next := ""; ; {
		request := client.Get().Resource(l.resource).NamespaceIfScoped(l.namespace, l.namespace != "")
		for name, value := range map[string]string{"labelSelector": l.labels, "fieldSelector": l.fields, "continue": next} {
			if value != "" {
				request.Param(name, value)
			}
		}
		if l.chunk > 0 {
			request.Param("limit", strconv.FormatInt(l.chunk, 10))
		}
		body, err := request.Stream(ctx)
		switch {
		case apierrors.IsResourceExpired(err) && next != "":
			return fmt.Errorf("listing %s: %w", l.resource, errExpired)
		case apierrors.IsNotFound(err):
			return fmt.Errorf("listing %s: %w", l.resource, errNotInstalled)
		case err != nil:
			return fmt.Errorf("listing %s: %w", l.resource, err)
		}
		var failed error // of take, which says itself what it is about
		next, err = decodeList(body, func(object *T) error {
			failed = take(object)
			return failed
		})
		_ = body.Close() // it has been read to its end, or will not be
		switch {
		case failed != nil:
			return failed
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			return fmt.Errorf("listing %s: the answer broke off or is no list: %w", l.resource, err)
		}
		if err := between(); err != nil || next == "" {
			return err
		}
	}
}

// decodeList reads a list of objects of one kind and returns its
// metadata.continue. It does not matter in which order its fields come.
func decodeList[T any](r io.Reader, take func(*T) error) (next string, err error) {
	d := jsontext.NewDecoder(r, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if err := expect(d, '{'); err != nil {
		return "", err
	}
	complete := false
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return "", err
		}
		switch name.String() {
		case "metadata":
			var metadata struct {
				Continue string `json:"continue"`
			}
			err = json.UnmarshalDecode(d, &metadata)
			next = metadata.Continue
		case "items":
			complete, err = true, decodeItems(d, take)
		default:
			err = d.SkipValue()
		}
		if err != nil {
			return "", err
		}
	}
	if err := expect(d, '}'); err != nil {
		return "", err
	}
	if !complete {
		return "", errors.New("it has no items")
	}
	return next, nil
}

func decodeItems[T any](d *jsontext.Decoder, take func(*T) error) error {
	if d.PeekKind() == 'n' { // null, for none
		return d.SkipValue()
	}
	if err := expect(d, '['); err != nil {
		return err
	}
	for d.PeekKind() != ']' {
		var object T
		if err := json.UnmarshalDecode(d, &object); err != nil {
			return err
		}
		if err := take(&object); err != nil {
			return err
		}
	}
	return expect(d, ']')
}

func expect(d *jsontext.Decoder, kind jsontext.Kind) error {
	token, err := d.ReadToken()
	if err != nil {
		return err
	}
	if token.Kind() != kind {
		return fmt.Errorf("%s where %s should be", token.Kind(), kind)
	}
	return nil
}
