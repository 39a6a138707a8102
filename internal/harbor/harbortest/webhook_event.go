// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// event is something that webhooks tell of.
type event struct {
	typ        string
	operator   string
	at         instant
	project    *project
	repository *repository
	// gone leaves out when the repository was created: its row is deleted.
	gone      bool
	resources []resourceJSON
	scanType  string
	retention *retentionJSON
}

// The payloads, in the order of Harbor's fields.
type (
	defaultJSON struct {
		Type     string        `json:"type"`
		OccurAt  int64         `json:"occur_at"`
		Operator string        `json:"operator"`
		Data     eventDataJSON `json:"event_data"`
	}
	cloudEventJSON struct {
		SpecVersion     string        `json:"specversion"`
		ID              string        `json:"id"`
		Source          string        `json:"source"`
		Type            string        `json:"type"`
		DataContentType string        `json:"datacontenttype"`
		Time            string        `json:"time"`
		Data            eventDataJSON `json:"data"`
		Operator        string        `json:"operator"`
		RequestID       string        `json:"requestid"`
	}
	eventDataJSON struct {
		Resources  []resourceJSON       `json:"resources,omitempty"`
		Repository *eventRepositoryJSON `json:"repository,omitempty"`
		Scan       *eventScanJSON       `json:"scan,omitempty"`
		Retention  *retentionJSON       `json:"retention,omitempty"`
	}
	resourceJSON struct {
		Digest string          `json:"digest"`
		Tag    string          `json:"tag,omitempty"`
		URL    string          `json:"resource_url"`
		Scan   json.RawMessage `json:"scan_overview,omitempty"`
		SBOM   json.RawMessage `json:"sbom_overview,omitempty"`
	}
	eventRepositoryJSON struct {
		Created   int64  `json:"date_created,omitempty"`
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
		FullName  string `json:"repo_full_name"`
		Type      string `json:"repo_type"`
	}
	eventScanJSON struct {
		Type string `json:"scan_type"`
	}
)

// cloudEventTypes are the events' names in the CloudEvents format.
var cloudEventTypes = map[string]string{
	"PUSH_ARTIFACT": "harbor.artifact.pushed", "PULL_ARTIFACT": "harbor.artifact.pulled", "DELETE_ARTIFACT": "harbor.artifact.deleted",
	"SCANNING_FAILED": "harbor.scan.failed", "SCANNING_STOPPED": "harbor.scan.stopped", "SCANNING_COMPLETED": "harbor.scan.completed",
	"TAG_RETENTION": "harbor.tag_retention.finished",
}

// resource names an artifact by a tag, or by its digest where tag is empty. On a
// push, pull or delete the digest then stands for the tag, too.
func (a *artifact) resource(tag string) resourceJSON {
	r := resourceJSON{Digest: a.digest.String(), Tag: tag, URL: a.repo.name + ":" + tag}
	if tag == "" {
		r.Tag, r.URL = r.Digest, a.repo.name+"@"+r.Digest
	}
	return r
}

// newest is the artifact's tag that was pushed last, the one that Harbor names.
func (a *artifact) newest() string {
	if len(a.tags) == 0 {
		return ""
	}
	return slices.MaxFunc(a.tags, func(x, y tag) int { return cmp.Or(cmp.Compare(x.pushed, y.pushed), cmp.Compare(x.id, y.id)) }).name
}

// emit hands an event to whoever delivers it, for each policy that asks for it.
// The registry is locked.
func (r *Registry) emit(e event) {
	if r.silent || r.deliver == nil {
		return
	}
	for _, row := range e.project.policies {
		if row.Disabled || !slices.Contains(row.EventTypes, e.typ) {
			continue
		}
		for _, target := range row.Targets {
			if target.Type == "http" {
				r.deliver(e, row.id, target)
			}
		}
	}
}

// emitArtifact emits a push, pull or delete.
func (r *Registry) emitArtifact(typ string, a *artifact, tag string, now instant) {
	r.emit(event{
		typ: typ, operator: AdminName, at: now, project: a.repo.project, repository: a.repo, resources: []resourceJSON{a.resource(tag)},
	})
}

// emitDelete emits the delete of an artifact, after those of its referrers;
// children that go with an index have none. The artifact is still there.
func (r *Registry) emitDelete(a *artifact, operator string, now instant) {
	if a.extra != nil {
		for _, accessory := range a.extra.accessories {
			r.emitDelete(accessory, operator, now)
		}
	}
	r.emit(event{
		typ: "DELETE_ARTIFACT", operator: operator, at: now, project: a.repo.project, repository: a.repo,
		resources: []resourceJSON{a.resource(a.newest())},
	})
}

// emitScan emits the end of a scan; that of an index is one of each child.
func (r *Registry) emitScan(a *artifact, scan Scan, now instant) {
	typ := map[string]string{"": "SCANNING_COMPLETED", "Success": "SCANNING_COMPLETED", "Error": "SCANNING_FAILED", "Stopped": "SCANNING_STOPPED"}[scan.Status]
	if typ == "" {
		return
	}
	if a.extra != nil && len(a.extra.references) > 0 {
		for _, ref := range a.extra.references {
			if ref.child != nil {
				r.emitScan(ref.child, scan, now)
			}
		}
		return
	}
	r.emitOverview(typ, "vulnerability", a, func(o *resourceJSON) { o.Scan = eventScanOverview(a.digest, scan, now) }, now)
}

// emitSBOM emits the end of the generation of an SBOM.
func (r *Registry) emitSBOM(a *artifact, sbom string, now instant) {
	r.emitOverview("SCANNING_COMPLETED", "sbom", a, func(o *resourceJSON) {
		o.SBOM = marshal(map[string]any{
			"duration": 3, "start_time": now.time().Add(-3 * time.Second).Format(time.RFC3339Nano), "end_time": now.time().Format(time.RFC3339Nano),
			"sbom_digest": sbom, "sbom_repository": a.repo.name, "scan_status": "Success", "scanner": scanner,
		})
	}, now)
}

func (r *Registry) emitOverview(typ, scanType string, a *artifact, set func(*resourceJSON), now instant) {
	resource := a.resource(a.newest())
	if len(a.tags) == 0 {
		resource.Tag = ""
	}
	set(&resource)
	r.emit(event{
		typ: typ, operator: AdminName, at: now, project: a.repo.project, repository: a.repo, gone: true,
		resources: []resourceJSON{resource}, scanType: scanType,
	})
}

// eventScanOverview is scan_overview as events have it: in another order than
// the API, and with empty fields.
func eventScanOverview(d digest, scan Scan, now instant) []byte {
	var shown map[string]struct {
		Report   string          `json:"report_id"`
		Status   string          `json:"scan_status"`
		Severity string          `json:"severity"`
		Duration int64           `json:"duration"`
		Summary  json.RawMessage `json:"summary"`
		Start    time.Time       `json:"start_time"`
		End      time.Time       `json:"end_time"`
		Scanner  *scannerJSON    `json:"scanner,omitempty"`
		Complete int             `json:"complete_percent"`
	}
	if err := json.Unmarshal(scanOverview(d, scan, now), &shown); err != nil {
		panic(err) // cannot be: it was made here
	}
	for name, overview := range shown {
		overview.Start, overview.End = overview.Start.Truncate(time.Second), overview.End.Truncate(time.Second)
		if overview.Summary == nil {
			overview.Summary = json.RawMessage("null")
		}
		shown[name] = overview
	}
	return marshal(shown)
}

// data is the part that both formats have. host is Harbor's.
func (e event) data(host string) eventDataJSON {
	var data eventDataJSON
	if e.retention != nil {
		run := *e.retention
		run.Host = host
		data.Retention = &run
	}
	for _, resource := range e.resources {
		resource.URL = host + "/" + resource.URL
		data.Resources = append(data.Resources, resource)
	}
	if e.repository != nil {
		visibility := "private"
		if e.project.public {
			visibility = "public"
		}
		data.Repository = &eventRepositoryJSON{
			Name: e.repository.rest(), Namespace: e.project.name, FullName: e.repository.name, Type: visibility,
		}
		if !e.gone {
			data.Repository.Created = e.repository.created.time().Unix()
		}
	}
	if e.scanType != "" {
		data.Scan = &eventScanJSON{e.scanType}
	}
	return data
}

// payload is the body for a target, and its content type.
func (e event) payload(host string, policyID int64, format string) (body []byte, contentType string) {
	if format != formatCloudEvents {
		return marshal(defaultJSON{e.typ, e.at.time().Unix(), e.operator, e.data(host)}), "application/json"
	}
	return marshal(cloudEventJSON{
		SpecVersion: "1.0", ID: uuid(), Source: "/projects/" + strconv.FormatInt(e.project.id, 10) + "/webhook/policies/" + strconv.FormatInt(policyID, 10),
		Type: cloudEventTypes[e.typ], DataContentType: "application/json", Time: e.at.time().Format(time.RFC3339),
		Data: e.data(host), Operator: e.operator, RequestID: uuid(),
	}), "application/cloudevents+json"
}

// uuid is a random id, as requests and CloudEvents have.
func uuid() string {
	return strings.Join([]string{token(4), token(2), token(2), token(2), token(6)}, "-")
}
