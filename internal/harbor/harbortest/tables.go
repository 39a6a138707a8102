// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import "slices"

// The tables as Harbor's DAOs declare them: each column by its database name
// and by its Go field's name, and the default sort.

func columns[T any](named map[string]column[T], aliases map[string]string) map[string]column[T] {
	for alias, name := range aliases {
		named[alias] = named[name]
	}
	return named
}

var artifactTable = &table[*artifact]{
	sorting: []order{{"push_time", true}, {"id", true}},
	columns: columns(map[string]column[*artifact]{
		"id":                  {number: func(a *artifact) int64 { return a.id }},
		"type":                {text: func(a *artifact) string { return a.kind.typ }},
		"media_type":          {text: func(a *artifact) string { return a.kind.mediaType }},
		"manifest_media_type": {text: func(a *artifact) string { return a.kind.manifestMediaType }},
		"artifact_type":       {text: func(a *artifact) string { return a.kind.artifactType }},
		"project_id":          {number: func(a *artifact) int64 { return a.repo.project.id }},
		"repository_id":       {number: func(a *artifact) int64 { return a.repo.id }},
		"repository_name":     {text: func(a *artifact) string { return a.repo.name }},
		"digest":              {text: func(a *artifact) string { return a.digest.String() }},
		"size":                {number: func(a *artifact) int64 { return a.size }},
		"icon":                {text: func(a *artifact) string { return a.kind.icon }},
		"push_time":           {when: func(a *artifact) instant { return a.pushed }},
		"pull_time":           {when: func(a *artifact) instant { return a.pulled }},
		"extra_attrs":         {text: func(a *artifact) string { return string(a.appendAttrs(nil, "")) }},
		"annotations":         {text: func(a *artifact) string { return string(a.annotations()) }},
	}, map[string]string{
		"ID": "id", "Type": "type", "MediaType": "media_type", "ManifestMediaType": "manifest_media_type",
		"ArtifactType": "artifact_type", "ProjectID": "project_id", "RepositoryID": "repository_id",
		"RepositoryName": "repository_name", "Digest": "digest", "Size": "size", "Icon": "icon",
		"PushTime": "push_time", "PullTime": "pull_time", "ExtraAttrs": "extra_attrs", "Annotations": "annotations",
	}),
}

var repositoryTable = &table[*repository]{
	sorting: []order{{"creation_time", true}, {"repository_id", true}},
	columns: columns(map[string]column[*repository]{
		"repository_id": {number: func(r *repository) int64 { return r.id }},
		"name":          {text: func(r *repository) string { return r.name }},
		"project_id":    {number: func(r *repository) int64 { return r.project.id }},
		"description":   {text: func(r *repository) string { return r.description }},
		"pull_count":    {number: func(r *repository) int64 { return r.pulls }},
		"star_count":    {number: func(*repository) int64 { return 0 }},
		"creation_time": {when: func(r *repository) instant { return r.created }},
		"update_time":   {when: func(r *repository) instant { return r.updated }},
	}, map[string]string{
		"RepositoryID": "repository_id", "Name": "name", "ProjectID": "project_id", "Description": "description",
		"PullCount": "pull_count", "StarCount": "star_count", "CreationTime": "creation_time", "UpdateTime": "update_time",
	}),
}

var projectTable = &table[*project]{
	sorting: []order{{"name", false}},
	columns: columns(map[string]column[*project]{
		"project_id":    {number: func(p *project) int64 { return p.id }},
		"owner_id":      {number: func(p *project) int64 { return p.ownerID }},
		"name":          {text: func(p *project) string { return p.name }},
		"creation_time": {when: func(p *project) instant { return p.created }},
		"update_time":   {when: func(p *project) instant { return p.updated }},
		"registry_id":   {number: func(*project) int64 { return 0 }},
	}, map[string]string{
		"ProjectID": "project_id", "OwnerID": "owner_id", "Name": "name", "CreationTime": "creation_time",
		"UpdateTime": "update_time", "RegistryID": "registry_id",
	}),
}

// tagRow is a tag with its artifact.
type tagRow struct {
	*tag
	artifact *artifact
}

var tagTable = &table[tagRow]{
	sorting: []order{{"push_time", true}, {"id", true}},
	columns: columns(map[string]column[tagRow]{
		"id":            {number: func(t tagRow) int64 { return t.id }},
		"repository_id": {number: func(t tagRow) int64 { return t.artifact.repo.id }},
		"artifact_id":   {number: func(t tagRow) int64 { return t.artifact.id }},
		"name":          {text: func(t tagRow) string { return t.name }},
		"push_time":     {when: func(t tagRow) instant { return t.pushed }},
		"pull_time":     {when: func(t tagRow) instant { return t.pulled }},
	}, map[string]string{
		"ID": "id", "RepositoryID": "repository_id", "ArtifactID": "artifact_id", "Name": "name",
		"PushTime": "push_time", "PullTime": "pull_time",
	}),
}

// rows returns the artifact's tags in order of id.
func (a *artifact) rows() []tagRow {
	rows := make([]tagRow, 0, len(a.tags))
	for i := range a.tags {
		rows = append(rows, tagRow{&a.tags[i], a})
	}
	slices.SortFunc(rows, func(x, y tagRow) int { return int(x.id - y.id) })
	return rows
}

// accessoryTable has accessories for rows, which all have a link.
var accessoryTable = &table[*artifact]{
	sorting: []order{{"id", false}},
	columns: columns(map[string]column[*artifact]{
		"id":                      {number: func(a *artifact) int64 { return a.extra.link.id }},
		"artifact_id":             {number: func(a *artifact) int64 { return a.id }},
		"subject_artifact_digest": {text: func(a *artifact) string { return a.extra.link.subjectDigest }},
		"subject_artifact_repo":   {text: func(a *artifact) string { return a.repo.name }},
		"type":                    {text: func(a *artifact) string { return a.extra.link.typ }},
		"size":                    {number: func(a *artifact) int64 { return a.size }},
		"digest":                  {text: func(a *artifact) string { return a.digest.String() }},
		"creation_time":           {when: func(a *artifact) instant { return a.extra.link.created }},
	}, map[string]string{
		"ID": "id", "ArtifactID": "artifact_id", "SubjectArtifactDigest": "subject_artifact_digest",
		"SubjectArtifactRepo": "subject_artifact_repo", "Type": "type", "Size": "size", "Digest": "digest",
		"CreationTime": "creation_time",
	}),
}

var labelTable = &table[*label]{
	sorting: []order{{"id", false}},
	columns: columns(map[string]column[*label]{
		"id":            {number: func(l *label) int64 { return l.id }},
		"name":          {text: func(l *label) string { return l.name }},
		"description":   {text: func(l *label) string { return l.description }},
		"color":         {text: func(l *label) string { return l.color }},
		"scope":         {text: func(l *label) string { return l.scope }},
		"project_id":    {number: func(l *label) int64 { return l.projectID }},
		"creation_time": {when: func(l *label) instant { return l.created }},
		"update_time":   {when: func(l *label) instant { return l.updated }},
	}, map[string]string{
		"ID": "id", "Name": "name", "Description": "description", "Color": "color", "Scope": "scope",
		"ProjectID": "project_id", "CreationTime": "creation_time", "UpdateTime": "update_time",
	}),
}
