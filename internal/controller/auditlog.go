// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/current"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
)

// auditLog follows Harbor's audit log for one inventory. It begins anew with the
// process and with each generation of the spec: the sync of everything that
// follows then needs no older entry.
type auditLog struct {
	feed current.Feed // of who reads the hints of the inventory: one at a time

	mu      sync.Mutex
	next    time.Time // not to be read before
	verdict current.Verdict
}

// verdictUnread is that on a log that was not read yet, or could not be.
var verdictUnread = current.Verdict{Reason: "Unread", Message: "has not been read yet"}

// pause returns how long the log is not to be read; 0 or less: it is time.
func (l *auditLog) pause(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.next.Sub(now)
}

func (l *auditLog) says() current.Verdict {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.verdict.Reason == "" {
		return verdictUnread
	}
	return l.verdict
}

// followsAudit tells whether the audit log is of use to an inventory: Harbor
// shows it to no anonymous caller, and a small inventory is read as a whole.
func followsAudit(inv *v1alpha1.HarborInventory) bool {
	return inv.Spec.Harbor.CredentialsSecretRef != nil && inv.Spec.Output.Mode != v1alpha1.OutputStatus
}

// nextHint returns when there will be something to do for the hints of an
// inventory; 0: not before somebody says so.
func (r *Reconciler) nextHint(inv *v1alpha1.HarborInventory, known *knowledge) time.Duration {
	pause := r.hints.pause(client.ObjectKeyFromObject(inv), r.now())
	if !followsAudit(inv) {
		return pause
	}
	audit := r.options.AuditInterval // until everything has been read once
	if _, complete := known.complete(); complete {
		audit = max(time.Millisecond, known.audit.pause(r.now()))
	}
	if pause == 0 {
		return audit
	}
	return min(pause, audit)
}

// auditDue tells whether it is time to read the audit log.
func (r *Reconciler) auditDue(inv *v1alpha1.HarborInventory, known *knowledge) bool {
	_, complete := known.complete()
	return complete && followsAudit(inv) && known.audit.pause(r.now()) <= 0
}

// follow reads what is new in the audit log, and makes hints of it.
// A log that is of no use is looked at once in an interval.
func (r *Reconciler) follow(ctx context.Context, inv *v1alpha1.HarborInventory, p *plan, known *knowledge) {
	log, now := &known.audit, r.now()
	version, _ := known.complete()
	err := r.readAudit(transport.Urgent(ctx), inv, p, &log.feed, harbor.AuditOptions{Legacy: harbor.LegacyAudit(version)})
	log.mu.Lock()
	defer log.mu.Unlock()
	switch {
	case err == nil:
		log.verdict = log.feed.Verdict(known.newestPush())
	case errors.Is(err, harbor.ErrForbidden), errors.Is(err, harbor.ErrUnauthorized):
		log.verdict = current.Verdict{Reason: current.LogNotPermitted, Message: "is not permitted: the account needs the right audit-log:list"}
	default:
		log.verdict = current.Verdict{Reason: verdictUnread.Reason, Message: "could not be read"}
	}
	log.next = now.Add(r.options.AuditInterval)
	if log.verdict.Reason != current.LogWorking {
		log.next = now.Add(max(r.options.AuditInterval, inv.Spec.Interval.Duration))
	}
}

func (r *Reconciler) readAudit(ctx context.Context, inv *v1alpha1.HarborInventory, p *plan, feed *current.Feed, o harbor.AuditOptions) error {
	began := r.now()
	from, started := feed.From()
	if !started {
		newest, ok, err := p.client.NewestAudit(ctx, o)
		if err == nil {
			feed.Start(newest, ok, began)
		}
		return err
	}
	reading := current.Reading{Began: began}
	o.FromID = from
	var broken error
	for entry, err := range p.client.Audit(ctx, o) {
		if err != nil {
			broken = err // what came until then counts
			break
		}
		reading.Entries = append(reading.Entries, *entry)
	}
	if broken != nil && len(reading.Entries) == 0 {
		return broken
	}
	reading.Ended = r.now()
	news := feed.Follow(reading)
	name := client.ObjectKeyFromObject(inv)
	named := namedByLog(reading.Entries)
	for _, repository := range news.Repositories {
		if p.selection.Repository(repository) {
			r.hints.repository(name, repository, named[repository], byAuditLog, began)
		}
	}
	for _, project := range news.Projects {
		if p.selection.Project(project) {
			r.hints.widen(name, scopeChanged)
		}
	}
	if news.Rewound || news.Unnamed > 0 {
		r.hints.widen(name, scopeAll)
	}
	return broken
}

// namedByLog returns, of each repository, the artifacts that entries tell to have
// been pushed; nothing of one of which they tell something else, or too much.
func namedByLog(entries []harbor.AuditEntry) map[string][]string {
	named := map[string][]string{}
	for _, e := range entries {
		before, seen := named[e.Repository]
		switch {
		case e.Digest == "":
			named[e.Repository] = nil
		case !seen:
			named[e.Repository] = []string{e.Digest}
		default:
			named[e.Repository] = together(before, []string{e.Digest})
		}
	}
	return named
}
