// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// AuditLog is the path of the log that an API server writes of the requests of
// everybody but the administrators.
type AuditLog string

// auditPolicy leaves out the group that passes every check of rights.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  userGroups: [system:masters]
- level: Metadata
`

// Audit has an API server, which has not been started, write an audit log into dir.
func Audit(server *envtest.APIServer, dir string) (AuditLog, error) {
	policy, log := filepath.Join(dir, "audit-policy.yaml"), filepath.Join(dir, "audit.log")
	if err := os.WriteFile(policy, []byte(auditPolicy), 0o600); err != nil {
		return "", err
	}
	server.Configure().Set("audit-policy-file", policy).Set("audit-log-path", log)
	return AuditLog(log), nil
}

// Clear forgets what was asked so far.
func (l AuditLog) Clear() error { return os.Truncate(string(l), 0) }

// auditEvent is what is read of an event of the log (audit.k8s.io/v1).
type auditEvent struct {
	Verb        string
	RequestURI  string
	User        struct{ Username string }
	ObjectRef   *struct{ Namespace, APIGroup, Resource, Subresource string }
	Annotations map[string]string
}

// Requests returns what a user was allowed to do and did, and what it was
// refused for want of a right, each once. A ServiceAccount's name is
// system:serviceaccount:NAMESPACE:NAME.
func (l AuditLog) Requests(user string) (allowed, refused Rights, err error) {
	file, err := os.Open(string(l))
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	allowed, refused = Rights{}, Rights{}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e auditEvent
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", l, err)
		}
		if e.User.Username != user {
			continue
		}
		switch e.Annotations["authorization.k8s.io/decision"] {
		case "allow":
			allowed[e.right()] = true
			if e.Verb == "watch" && strings.Contains(e.RequestURI, "sendInitialEvents=true") {
				// An API server before 1.32 is asked to list, in place of this.
				list := e.right()
				list.Verb = "list"
				allowed[list] = true
			}
		case "forbid":
			refused[e.right()] = true
		}
	}
	return allowed, refused, lines.Err()
}

func (e *auditEvent) right() Right {
	if e.ObjectRef == nil || e.ObjectRef.Resource == "" {
		return Right{Verb: e.Verb, URL: e.RequestURI}
	}
	r := Right{Namespace: e.ObjectRef.Namespace, Verb: e.Verb, Group: e.ObjectRef.APIGroup, Resource: e.ObjectRef.Resource}
	if e.ObjectRef.Subresource != "" {
		r.Resource += "/" + e.ObjectRef.Subresource
	}
	return r
}
