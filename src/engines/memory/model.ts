/** What every verb is handed, the answers it gives, and the one way to write an audit entry. */
import { auditBody, type AuditDraft, type Cause } from "../../domain/audit-entry.ts";
import type { EpochMillis } from "../../kernel/time.ts";
import type { Answer } from "../../ports/ledger.ts";
import type { MemoryState } from "./state.ts";
import type { LedgerTime } from "./time.ts";

export interface Model {
  readonly state: MemoryState;
  readonly time: LedgerTime;
}

/** What happens by itself. */
export const byItself: Cause = { actor: "broker", requestId: null };

/** Appends the entry of a change and answers its sequence number. */
export function record(model: Model, draft: AuditDraft, now: EpochMillis): number {
  const { audit } = model.state;
  const sequence = audit.length + 1;
  const { cause } = draft;
  const data = cause.evidence === undefined ? draft.data : { ...draft.data, evidence: cause.evidence };
  const { type, taskId, leaseId } = draft;
  const { actor, requestId } = cause;
  audit.push({
    entry: { shard: 0, sequence, at: now, type, taskId, leaseId, actor, requestId, data },
    body: auditBody(draft, sequence, now),
  });
  touch(model, now);
  return sequence;
}

/** A change without an entry of its own: heartbeats and claims are too many, and say nothing about a credential. */
export function touch(model: Model, now: EpochMillis): void {
  model.state.lastChangeAt = now;
}

export const lastSequence = (model: Model): number => model.state.audit.length;

type Ok<T> = Extract<Answer<T, never>, { kind: "ok" }>;
type Conflict<C> = Extract<Answer<never, C>, { kind: "conflict" }>;

export const ok = <T>(value: T, sequence: number): Ok<T> => ({ kind: "ok", value, sequence });
export const conflict = <const C>(reason: C): Conflict<C> => ({ kind: "conflict", conflict: reason });

export const notFound = conflict({ reason: "not_found" });
