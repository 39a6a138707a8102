// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/harbor-inventory/harbor-inventory/api/v1alpha1"
	"github.com/harbor-inventory/harbor-inventory/internal/current"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor"
	"github.com/harbor-inventory/harbor-inventory/internal/harbor/transport"
)

// auditLog follows Harbor's audit log for one inventory. It begins anew with each
// generation of the spec: the sync of everything that follows then needs no older
// entry. A new process goes on where the status says, and need not wait for such
// a sync.
type auditLog struct {
	// Of who reads the hints of the inventory, one at a time.
	feed   current.Feed
	legacy bool // the log that Harbor had before 2.13

	mu      sync.Mutex
	cursor  *v1alpha1.AuditLogCursor // of feed; nil if it has none
	next    time.Time                // not to be read before
	verdict current.Verdict
}

// resume goes on at the cursor in the status, if that is of this generation.
func (l *auditLog) resume(inv *v1alpha1.HarborInventory) {
	if c := inv.Status.AuditLogCursor; c != nil && inv.Status.ObservedGeneration == inv.Generation {
		l.feed = *current.Resume(current.Cursor{ID: c.ID, At: c.Time.Time})
		l.legacy = harbor.LegacyAudit(inv.Status.HarborVersion)
		l.publish()
	}
}

// publish shows others where the feed is. What was read up to there is among the
// hints by then. The caller holds mu, or is alone.
func (l *auditLog) publish() {
	l.cursor = nil
	if c, ok := l.feed.Cursor(); ok {
		l.cursor = &v1alpha1.AuditLogCursor{ID: c.ID, Time: metav1.NewTime(c.At)}
	}
}

// at is where a new process can go on; nil if it has to start anew.
func (l *auditLog) at() *v1alpha1.AuditLogCursor {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cursor
}

// auditCursor is where a new process can go on that lost all hints: where the one
// before did, as long as some are waiting.
func (r *Reconciler) auditCursor(inv *v1alpha1.HarborInventory, known *knowledge) *v1alpha1.AuditLogCursor {
	cursor := known.audit.at()
	if _, waiting := r.hints.waiting(client.ObjectKeyFromObject(inv)); len(waiting) > 0 {
		return inv.Status.AuditLogCursor
	}
	return cursor
}

// auditLag is how late an entry may appear. Tests make it shorter.
var auditLag = current.DefaultLag

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
	if known.mayFollow() {
		audit = max(time.Millisecond, known.audit.pause(r.now()))
	}
	if pause == 0 {
		return audit
	}
	return min(pause, audit)
}

// auditDue tells whether it is time to read the audit log.
func (r *Reconciler) auditDue(inv *v1alpha1.HarborInventory, known *knowledge) bool {
	return followsAudit(inv) && known.mayFollow() && known.audit.pause(r.now()) <= 0
}

// mayFollow tells whether it is known where the audit log is to be read from: at
// its end once everything has been read, or where an earlier reading ended.
func (k *knowledge) mayFollow() bool {
	_, complete := k.complete()
	return complete || k.audit.at() != nil
}

// follow reads what is new in the audit log, and makes hints of it.
// A log that is of no use is looked at once in an interval.
func (r *Reconciler) follow(ctx context.Context, inv *v1alpha1.HarborInventory, p *plan, known *knowledge) {
	log, now := &known.audit, r.now()
	if version, complete := known.complete(); complete && log.legacy != harbor.LegacyAudit(version) {
		log.feed, log.legacy = current.Feed{}, !log.legacy // Harbor was upgraded
	}
	log.feed.Lag = auditLag
	for repository, at := range known.takeUntold() {
		log.feed.Found(repository, at)
	}
	err := r.readAudit(transport.Urgent(ctx), inv, p, &log.feed, harbor.AuditOptions{Legacy: log.legacy})
	log.mu.Lock()
	defer log.mu.Unlock()
	log.publish()
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
	named := namedByLog(slices.DeleteFunc(slices.Clone(reading.Entries), feed.Told))
	news := feed.Follow(reading)
	name := client.ObjectKeyFromObject(inv)
	for _, repository := range news.Repositories {
		if p.selection.Repository(repository) {
			r.hints.repository(name, repository, named[repository], byAuditLog, began)
			hintsReceived.WithLabelValues(byAuditLog.String()).Inc()
		}
	}
	for _, project := range news.Projects {
		if p.selection.Project(project) {
			r.hints.widen(name, scopeChanged)
			hintsReceived.WithLabelValues(byAuditLog.String()).Inc()
		}
	}
	if news.Rewound || news.Unnamed > 0 {
		r.hints.widen(name, scopeAll)
		hintsReceived.WithLabelValues(byAuditLog.String()).Inc()
	}
	return broken
}
