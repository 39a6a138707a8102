// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// What generated artifacts say about themselves is derived from their digest
// when it is asked for, so that it takes no memory.

// number returns a value from the digest below n, another for each salt up to 27.
func (d digest) number(salt int, n int64) int64 {
	return int64(binary.BigEndian.Uint32(d[salt:])) % n
}

// derivedSize is between 1 and 400 MB.
func derivedSize(d digest) int64 { return 1_000_000 + d.number(0, 400_000_000) }

// derivedAttrs appends the extra_attrs of an image or chart: about 1 KB, what a
// real image has.
func (a *artifact) derivedAttrs(w []byte) []byte {
	version := "1.0.0"
	if len(a.tags) > 0 {
		version = a.tags[0].name
	}
	name := a.repo.rest()
	if a.kind.typ == "CHART" {
		w = append(w, `{"apiVersion":"v2","appVersion":`...)
		w = appendString(w, version)
		w = append(w, `,"description":"A Helm chart for Kubernetes","name":`...)
		w = appendString(w, name)
		w = append(w, `,"type":"application","version":`...)
		w = appendString(w, version)
		return append(w, '}')
	}
	architecture := [...]string{"amd64", "arm64"}[a.digest.number(1, 4)/3]
	w = append(w, `{"architecture":"`...)
	w = append(w, architecture...)
	w = append(w, `","author":"","config":{"Cmd":["nginx","-g","daemon off;"],"Entrypoint":["/docker-entrypoint.sh"],"Env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin","LANG=C.UTF-8","TZ=UTC","SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt",`...)
	w = appendString(w, "APP_VERSION="+version)
	w = append(w, `],"ExposedPorts":{"8080/tcp":{},"9090/tcp":{}},"Labels":{"maintainer":"team@example.org","org.opencontainers.image.created":"2026-03-04T05:06:07Z","org.opencontainers.image.description":"Built from the main branch by the shared pipeline","org.opencontainers.image.licenses":"Apache-2.0","org.opencontainers.image.revision":"`...)
	w = hex.AppendEncode(w, a.digest[:20])
	w = append(w, `","org.opencontainers.image.source":`...)
	w = appendString(w, "https://git.example.org/"+a.repo.name)
	w = append(w, `,"org.opencontainers.image.title":`...)
	w = appendString(w, name)
	w = append(w, `,"org.opencontainers.image.version":`...)
	w = appendString(w, version)
	w = append(w, `},"StopSignal":"SIGTERM","User":"65532:65532","Volumes":{"/tmp":{},"/var/cache":{}},"WorkingDir":"/srv"},"created":"2026-03-04T05:06:07.123456789Z","os":"linux"}`...)
	return w
}

// json is the platform object of a reference.
func (p Platform) json() []byte {
	if p.OS == "" {
		p.OS = "linux"
	}
	if p.Architecture == "" {
		p.Architecture = "amd64"
	}
	return marshal(struct {
		Features     []string `json:"OsFeatures"`
		OSVersion    string   `json:"OsVersion,omitempty"`
		Architecture string   `json:"architecture"`
		OS           string   `json:"os"`
		Variant      string   `json:"variant,omitempty"`
	}{nil, p.OSVersion, p.Architecture, p.OS, p.Variant})
}

// report11 is the media type of vulnerability reports.
const report11 = "application/vnd.security.vulnerability.report; version=1.1"

// severities from the worst down.
var severities = []string{"Critical", "High", "Medium", "Low", "None", "Unknown"}

type scannerJSON struct {
	Name    string `json:"name"`
	Vendor  string `json:"vendor"`
	Version string `json:"version"`
}

var scanner = scannerJSON{"Trivy", "Aqua Security", "v0.58.0"}

// scan is a made-up result: no finding for a third, some for the others.
func (d digest) scan() Scan {
	s := Scan{Findings: map[string]int{}, Duration: 4 * time.Second}
	for i, severity := range severities {
		n := int(d.number(3+i, 12))
		if d.number(9, 3) == 0 || n > 9 {
			continue
		}
		s.Findings[severity] = n
		s.Fixable += n / 2
	}
	return s
}

// scanOverview is the value of scan_overview.
func scanOverview(d digest, scan Scan, now instant) []byte {
	type counts struct {
		Fixable int            `json:"fixable"`
		Summary map[string]int `json:"summary"`
		Total   int            `json:"total"`
	}
	overview := struct {
		Complete int          `json:"complete_percent,omitempty"`
		Duration int64        `json:"duration,omitempty"`
		End      string       `json:"end_time"`
		Report   string       `json:"report_id"`
		Status   string       `json:"scan_status"`
		Scanner  *scannerJSON `json:"scanner,omitempty"`
		Severity string       `json:"severity,omitempty"`
		Start    string       `json:"start_time"`
		Summary  *counts      `json:"summary,omitempty"`
	}{
		Duration: int64(scan.Duration / time.Second), Status: scan.Status,
		Report: fmt.Sprintf("%x-%x-%x-%x-%x", d[0:4], d[4:6], d[6:8], d[8:10], d[10:16]),
		Start:  now.time().Add(-scan.Duration).Format(millis), End: now.time().Format(millis),
	}
	if overview.Status == "" {
		overview.Status = "Success"
	}
	if overview.Status == "Success" {
		overview.Severity, overview.Complete, overview.Scanner = "None", 100, &scanner
		sum := &counts{Fixable: scan.Fixable, Summary: map[string]int{}}
		for _, severity := range slices.Backward(severities) {
			if n := scan.Findings[severity]; n > 0 {
				sum.Summary[severity] = n
				sum.Total += n
				overview.Severity = severity
			}
		}
		overview.Summary = sum
	}
	return marshal(map[string]any{report11: overview})
}

// report is the body of additions/vulnerabilities.
func report(d digest, scan Scan, by scannerJSON, now instant) []byte {
	type finding struct {
		ID          string   `json:"id"`
		Package     string   `json:"package"`
		Version     string   `json:"version"`
		FixVersion  string   `json:"fix_version"`
		Severity    string   `json:"severity"`
		Description string   `json:"description"`
		Links       []string `json:"links"`
	}
	findings, worst, fixable := []finding{}, "None", scan.Fixable
	for _, severity := range severities {
		for range scan.Findings[severity] {
			n := len(findings)
			id := fmt.Sprintf("CVE-2026-%05d", (d.number(2, 90000)+int64(n)*7919)%90000)
			f := finding{
				ID: id, Package: fmt.Sprintf("lib%02d", n%40), Version: "1.2." + fmt.Sprint(n%9), Severity: severity,
				Description: "A flaw was found.", Links: []string{"https://avd.example.org/" + id},
			}
			if fixable > 0 {
				f.FixVersion = "1.3.0"
				fixable--
			}
			if n == 0 {
				worst = severity
			}
			findings = append(findings, f)
		}
	}
	return marshal(map[string]any{report11: map[string]any{
		"generated_at": now.time().Format(time.RFC3339Nano), "scanner": by, "severity": worst, "vulnerabilities": findings,
	}})
}

// sbomOverview is the value of sbom_overview.
func sbomOverview(d digest, now instant) []byte {
	return marshal(struct {
		Duration int         `json:"duration"`
		End      string      `json:"end_time"`
		Digest   string      `json:"sbom_digest"`
		Status   string      `json:"scan_status"`
		Scanner  scannerJSON `json:"scanner"`
		Start    string      `json:"start_time"`
	}{3, now.time().Format(millis), d.String(), "Success", scanner, now.time().Add(-3 * time.Second).Format(millis)})
}

// marshal is for values of this package, which always can be marshaled.
func marshal(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
