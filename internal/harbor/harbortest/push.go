// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
)

// Image describes an artifact to push. Every field may be left out: the zero
// Image is an untagged OCI image with a fresh digest.
type Image struct {
	Tags []string
	// Digest is made up, different for each push, when it is empty.
	Digest string
	// Kind is the sort of artifact; the zero value is [OCIImage].
	Kind Kind
	// Size in bytes; made up when it is 0.
	Size int64
	// ExtraAttrs is the JSON object extra_attrs. Images get one made up when it is nil.
	ExtraAttrs json.RawMessage
	// Annotations of the manifest.
	Annotations map[string]string
}

// Index describes an image index to push.
type Index struct {
	Image
	Children []Child
}

// Child is a manifest that an index refers to: one in the repository already,
// by its digest, or one to be pushed first.
type Child struct {
	Digest   string
	Image    Image
	Platform Platform
	// Annotations of the descriptor in the index.
	Annotations map[string]string
}

// Platform of an index's child. The zero value stands for linux/amd64.
type Platform struct {
	OS, Architecture, Variant, OSVersion string
}

// Accessory describes a referrer to push: a signature, an SBOM.
type Accessory struct {
	Image
	// Type is Harbor's: "signature.cosign" (the default), "signature.notation",
	// "sbom.harbor" or "subject.accessory".
	Type string
}

// Push pushes an image and returns its digest. The repository is made when it
// does not exist. A digest that is there already gets the tags; a tag that
// belongs to another digest moves.
//
// Push panics when the project does not exist or a name is not valid: that is
// a mistake in the test.
func (r *Registry) Push(repositoryName string, image Image) string {
	return must(r.TryPush(repositoryName, image))
}

// TryPush is [Registry.Push] with an error where that panics.
func (r *Registry) TryPush(repositoryName string, image Image) (string, error) {
	var pushed *artifact
	err := r.write(func(now instant) (err error) {
		pushed, err = r.push(repositoryName, image, now)
		return err
	})
	if err != nil {
		return "", err
	}
	return pushed.digest.String(), nil
}

// PushIndex pushes the index's children that are not there, one after the
// other, and then the index, as clients do: until the index lands, each child
// is an untagged artifact of the listing. It returns the index's digest and
// panics as [Registry.Push] does.
func (r *Registry) PushIndex(repositoryName string, index Index) string {
	children := make([]string, len(index.Children))
	for i, child := range index.Children {
		children[i] = child.Digest
		if child.Digest == "" {
			children[i] = r.Push(repositoryName, child.Image)
		}
	}
	if index.Kind == (Kind{}) {
		index.Kind = OCIIndex
	}
	var pushed *artifact
	err := r.write(func(now instant) (err error) {
		if pushed, err = r.push(repositoryName, index.Image, now); err != nil {
			return err
		}
		for i, child := range index.Children {
			target := pushed.repo.find(children[i])
			if target == nil {
				return fmt.Errorf("child %q of an index in %q: %w", children[i], repositoryName, ErrNotFound)
			}
			pushed.refer(target, child)
		}
		return nil
	})
	if err != nil {
		panic(err)
	}
	return pushed.digest.String()
}

// PushAccessory pushes a referrer of the artifact that subject names, by tag or
// digest. A digest that does not exist is allowed: the referrer is then
// dangling. Accessories are never listed and not counted, but move update_time.
// It returns the referrer's digest and panics as [Registry.Push] does.
func (r *Registry) PushAccessory(repositoryName, subject string, accessory Accessory) string {
	if accessory.Type == "" {
		accessory.Type = "signature.cosign"
	}
	if accessory.Kind == (Kind{}) {
		accessory.Kind = accessoryKind(accessory.Type)
	}
	var pushed *artifact
	err := r.write(func(now instant) (err error) {
		repo, err := r.ensure(repositoryName, now)
		if err != nil {
			return err
		}
		target := repo.find(subject)
		if _, notDigest := parseDigest(subject); target == nil && notDigest != nil {
			return fmt.Errorf("subject %q in %q: %w", subject, repositoryName, ErrNotFound)
		}
		if pushed, err = r.push(repositoryName, accessory.Image, now); err != nil {
			return err
		}
		if pushed.accessory {
			return nil // pushed again
		}
		pushed.attach(target, &accessoryLink{
			id: next(&r.ids.Accessory), typ: accessory.Type, icon: accessoryIcon(accessory.Type), created: now, subjectDigest: subject,
		})
		if accessory.Type == sbomAccessory && target != nil {
			target.setSBOM(sbomOverview(pushed.digest, now), pushed.digest.String())
			r.emitSBOM(target, pushed.digest.String(), now)
		}
		return nil
	})
	if err != nil {
		panic(err)
	}
	return pushed.digest.String()
}

func must(digest string, err error) string {
	if err != nil {
		panic(err)
	}
	return digest
}

// push adds the artifact, unless its digest is there, and sets its tags.
func (r *Registry) push(repositoryName string, image Image, now instant) (*artifact, error) {
	repo, err := r.ensure(repositoryName, now)
	if err != nil {
		return nil, err
	}
	for _, name := range image.Tags {
		if !tagName.MatchString(name) {
			return nil, fmt.Errorf("tag %q: %w: want %s", name, ErrInvalidName, tagName)
		}
	}
	if image.Kind == (Kind{}) {
		image.Kind = OCIImage
	}
	var d digest
	if image.Digest == "" {
		d = r.freshDigest(repo)
	} else if d, err = parseDigest(image.Digest); err != nil {
		return nil, err
	}
	a := repo.byDigest(d)
	if a == nil {
		a = r.create(repo, d, image, now)
	}
	for _, name := range image.Tags {
		r.setTag(a, name, now)
	}
	subject := repositoryName + "@" + d.String()
	resource := subject
	if len(image.Tags) > 0 {
		resource = repositoryName + ":" + image.Tags[0]
	}
	r.record(now, repo.project.id, "create", "artifact", resource, subject)
	for _, name := range image.Tags { // each is a push of its own
		r.emitArtifact("PUSH_ARTIFACT", a, name, now)
	}
	if len(image.Tags) == 0 {
		r.emitArtifact("PUSH_ARTIFACT", a, "", now)
	}
	return a, nil
}

// freshDigest is one that no artifact of the repository has.
func (r *Registry) freshDigest(repo *repository) digest {
	return sha256.Sum256([]byte(repo.name + "#" + strconv.FormatInt(r.ids.Artifact+1, 10)))
}

func (r *Registry) create(repo *repository, d digest, image Image, now instant) *artifact {
	a := &artifact{id: next(&r.ids.Artifact), repo: repo, digest: d, size: image.Size, pushed: now, kind: r.intern(kind(image.Kind))}
	if a.size == 0 {
		a.size = derivedSize(d)
	}
	if image.ExtraAttrs != nil {
		a.more().attrs = image.ExtraAttrs
	}
	if len(image.Annotations) > 0 {
		a.more().annotations = marshal(image.Annotations)
	}
	repo.artifacts = insertByID(repo.artifacts, a)
	repo.project.artifacts = insertByID(repo.project.artifacts, a)
	repo.project.storageUsed += a.size
	r.touch(repo, now)
	return a
}

// setTag gives a the tag: a new row, or the row moved from another artifact of
// the repository.
func (r *Registry) setTag(a *artifact, name string, now instant) {
	holder := a.repo.find(name)
	if holder == a {
		return
	}
	row := tag{name: name, pushed: now}
	if holder == nil {
		row.id = next(&r.ids.Tag)
	} else {
		row.id = holder.tag(name).id
		holder.dropTag(name)
	}
	a.tags = append(a.tags, row)
	r.touch(a.repo, now)
}

// dropTag removes the tag's row.
func (a *artifact) dropTag(name string) {
	a.tags = slices.DeleteFunc(a.tags, func(t tag) bool { return t.name == name })
}

// refer adds child to the index's references.
func (a *artifact) refer(child *artifact, c Child) {
	e := a.more()
	for _, ref := range e.references {
		if ref.child == child {
			return // pushed again
		}
	}
	ref := reference{child: child, digest: child.digest.String(), platform: c.Platform.json()}
	if len(c.Annotations) > 0 {
		ref.annotations = marshal(c.Annotations)
	}
	e.references = append(e.references, ref)
	child.parents++
}

// attach makes a the accessory of subject, which is nil when it does not exist.
func (a *artifact) attach(subject *artifact, link *accessoryLink) {
	if subject != nil {
		link.subjectDigest = subject.digest.String()
		subject.more().accessories = append(subject.more().accessories, a)
	}
	link.subject = subject
	a.more().link = link
	a.accessory = true
}

func (a *artifact) setSBOM(overview []byte, digest string) {
	a.more().sbom = overview
	a.more().sbomDigest = digest
}
