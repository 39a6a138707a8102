// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"encoding/pem"
	"io"
	"os"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// user that the manager runs as, the name of whom is nonroot.
const user = "65532:65532"

const certificates = "/etc/ssl/certs/ca-certificates.crt"

// file is one of a layer. Its owner is root, its time the beginning of 1970.
type file struct {
	name    string // without the first slash
	mode    int64
	content []byte
}

// labels are what an image tells of itself.
type labels struct {
	version, commit string
	created         time.Time
}

// annotations are those of the OCI image specification.
func (l labels) annotations() map[string]string {
	return map[string]string{
		"org.opencontainers.image.title":         "harbor-inventory",
		"org.opencontainers.image.description":   "Keeps a complete, current inventory of the artifacts in Harbor registries as objects of the Kubernetes API.",
		"org.opencontainers.image.licenses":      "Apache-2.0",
		"org.opencontainers.image.source":        "https://github.com/harbor-inventory/harbor-inventory",
		"org.opencontainers.image.documentation": "https://github.com/harbor-inventory/harbor-inventory/tree/main/docs",
		"org.opencontainers.image.version":       l.version,
		"org.opencontainers.image.revision":      l.commit,
		"org.opencontainers.image.created":       l.created.Format(time.RFC3339),
	}
}

// scratch is what the manager needs besides itself: the certificates of public
// authorities, and a name for its user.
func scratch(string) (v1.Image, error) {
	layer, err := layerOf(
		file{"etc/passwd", 0o644, []byte("root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/:/sbin/nologin\n")},
		file{"etc/group", 0o644, []byte("root:x:0:\nnonroot:x:65532:\n")},
		file{certificates[1:], 0o644, authorities()},
	)
	if err != nil {
		return nil, err
	}
	return mutate.Append(mutate.MediaType(mutate.ConfigMediaType(empty.Image, types.OCIConfigJSON), types.OCIManifestSchema1),
		mutate.Addendum{Layer: layer, History: v1.History{CreatedBy: "certificates and users"}})
}

// authorities returns Mozilla's list of certificates, in PEM. Those that are to be
// trusted within limits only are left out: a file cannot tell of them.
func authorities() []byte {
	var all bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			_ = pem.Encode(&all, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}) // a buffer takes everything
		}
	}
	return all.Bytes()
}

// write makes an image of each manager, and writes an index of them as the only
// one of an OCI layout in dir, which it empties.
func write(dir string, base func(arch string) (v1.Image, error), managers map[string]string, l labels) (v1.ImageIndex, error) {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, arch := range architectures {
		below, err := base(arch)
		if err != nil {
			return nil, err
		}
		image, err := imageOf(below, arch, managers[arch], l)
		if err != nil {
			return nil, err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}},
		})
	}
	annotated, ok := mutate.Annotations(index, l.annotations()).(v1.ImageIndex)
	if !ok {
		return nil, os.ErrInvalid // it is one: so Annotations has it
	}
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		return nil, err
	}
	return annotated, path.AppendIndex(annotated, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": l.version}))
}

// imageOf puts a manager on top of an image.
func imageOf(below v1.Image, arch, manager string, l labels) (v1.Image, error) {
	program, err := os.ReadFile(manager)
	if err != nil {
		return nil, err
	}
	layer, err := layerOf(file{"manager", 0o755, program})
	if err != nil {
		return nil, err
	}
	image, err := mutate.Append(below, mutate.Addendum{Layer: layer, History: v1.History{Created: v1.Time{Time: l.created}, CreatedBy: "/manager"}})
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Created = "linux", arch, v1.Time{Time: l.created}
	config.Config.User, config.Config.Entrypoint, config.Config.Cmd = user, []string{"/manager"}, nil
	config.Config.WorkingDir = "/"
	config.Config.Env = []string{"SSL_CERT_FILE=" + certificates}
	config.Config.Labels = l.annotations()
	if image, err = mutate.ConfigFile(image, config); err != nil {
		return nil, err
	}
	annotated, ok := mutate.Annotations(image, l.annotations()).(v1.Image)
	if !ok {
		return nil, os.ErrInvalid // as above
	}
	return annotated, nil
}

// layerOf makes a layer of files; that of the same files is always the same.
func layerOf(files ...file) (v1.Layer, error) {
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, f := range files {
		header := &tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(f.content)), Typeflag: tar.TypeReg, ModTime: time.Unix(0, 0), Format: tar.FormatPAX}
		if err := w.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.content); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive.Bytes())), nil }
	return tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer))
}
