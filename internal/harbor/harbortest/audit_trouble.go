// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package harbortest

import (
	"slices"
	"time"
)

// What makes the audit log hard to follow. That an account lacks the right to
// read it is up to [Robot].

// SetAuditLog switches the writing of audit log rows off, or on again: Harbor's
// skip_audit_log_database.
func (r *Registry) SetAuditLog(on bool) {
	_ = r.write(func(instant) error { r.auditOff = !on; return nil })
}

// DelayAudit has rows of the audit log appear some time after their ids were
// given, by the registry's clock: ids are taken inside of a transaction, and it
// is seen when that ends. So rows appear below others that were read already.
// Nil ends that, and shows all.
func (r *Registry) DelayAudit(by func(id int64) time.Duration) {
	_ = r.write(func(instant) error { r.auditDelay = by; return nil })
}

// committed returns what tells the rows that can be seen now.
func (r *Registry) committed() func(*auditEntry) bool {
	if r.auditDelay == nil {
		return func(*auditEntry) bool { return true }
	}
	now := toInstant(r.clock())
	return func(e *auditEntry) bool { return e.visible <= now }
}

// PurgeAudit deletes the rows of the audit log from before a time, as Harbor's
// purge schedule does.
func (r *Registry) PurgeAudit(before time.Time) {
	_ = r.write(func(instant) error {
		r.audit = slices.DeleteFunc(r.audit, func(e auditEntry) bool { return e.at < toInstant(before) })
		return nil
	})
}

// RewindAudit restores the audit log to where id was its greatest, as the restore
// of an older database does: later rows are gone, and their ids are given again.
func (r *Registry) RewindAudit(id int64) {
	_ = r.write(func(instant) error {
		r.audit = slices.DeleteFunc(r.audit, func(e auditEntry) bool { return e.id > id })
		r.ids.Audit = min(r.ids.Audit, id)
		return nil
	})
}

// NewestAudit returns the greatest id that the audit log has given.
func (r *Registry) NewestAudit() int64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.ids.Audit
}
