/**
 * The record of one change, written in the same atomic step as the change (promise P1). Holds handles and
 * fingerprints, never values. Entries of a shard form a hash chain: `hash` = SHA-256(previous hash, canonical JSON).
 */
import { unreachable } from "../kernel/unreachable.ts";
import type { LeaseState } from "./lease.ts";
import { canonicalJson, type JsonObject } from "../kernel/canonical-json.ts";
import type { LeaseId, RequestId, TaskId } from "../kernel/ids.ts";
import type { EpochMillis } from "../kernel/time.ts";

/** Who caused a change and what the decision rested on; handed to every verb. */
export interface Cause {
  /** `agent:NAME`, `operator:NAME`, or `broker` for what happens by itself. */
  readonly actor: string;
  readonly requestId: RequestId | null;
  /** Facts of the decision: policy digest, attestation digest, bound that won. Canonical, no secrets. */
  readonly evidence?: JsonObject;
}

export interface AuditDraft {
  readonly type: AuditType;
  readonly taskId: TaskId | null;
  readonly leaseId: LeaseId | null;
  readonly cause: Cause;
  readonly data: JsonObject;
}

export interface AuditEntry {
  /** Whose chain it belongs to; 0 in an engine that has one. Not a part of the hashed body. */
  readonly shard: number;
  readonly sequence: number;
  readonly at: EpochMillis;
  readonly type: AuditType;
  readonly taskId: TaskId | null;
  readonly leaseId: LeaseId | null;
  readonly actor: string;
  readonly requestId: RequestId | null;
  readonly data: JsonObject;
  /** base64url SHA-256 over the previous entry's hash and this entry's canonical bytes. */
  readonly hash: string;
}

export type AuditType =
  | "task.opened"
  | "task.ended"
  | "task.heartbeat_graced"
  | "door.closed"
  | "door.opened"
  | "kill.ordered"
  | "kill.expanded"
  | "lease.intended"
  | "lease.activated"
  | "lease.mint_failed"
  | "lease.due"
  | "lease.attempted"
  | "lease.stuck"
  | "lease.revoked"
  | "lease.expired"
  | "lease.reopened"
  | "stray.revoked"
  | "request.refused"
  | "policy.loaded"
  | "policy.rejected"
  | "target.changed"
  | "clock.suspect"
  | "clock.accepted"
  | "store.restored"
  | "store.replayed"
  | "store.poison"
  | "audit.trimmed"
  | "broker.started";

/** The exact bytes that are hashed and stored; readers never serialise anew. Named in order, which is faster to write. */
export function auditBody(draft: AuditDraft, sequence: number, at: EpochMillis): string {
  const { actor, evidence, requestId } = draft.cause;
  return canonicalJson({
    actor,
    at,
    data: evidence === undefined ? draft.data : { evidence, ...draft.data },
    lease_id: draft.leaseId,
    request_id: requestId,
    sequence,
    task_id: draft.taskId,
    type: draft.type,
  });
}

/** What `auditBody` wrote. */
interface Body {
  readonly sequence: number;
  readonly at: EpochMillis;
  readonly type: AuditType;
  readonly task_id: TaskId | null;
  readonly lease_id: LeaseId | null;
  readonly actor: string;
  readonly request_id: RequestId | null;
  readonly data: JsonObject;
}

export function entryFromBody(body: string, { shard, hash }: Pick<AuditEntry, "shard" | "hash">): AuditEntry {
  const { task_id: taskId, lease_id: leaseId, request_id: requestId, ...rest } = JSON.parse(body) as Body;
  return { shard, ...rest, taskId, leaseId, requestId, hash };
}

/** The entry of a recorded verdict, by the state that it led to. */
export function verdictEntryType(state: LeaseState): AuditType {
  switch (state.kind) {
    case "revoking":
      return "lease.attempted";
    case "stuck":
      return "lease.stuck";
    case "revoked":
      return "lease.revoked";
    case "expired":
      return "lease.expired";
    case "intended":
    case "active":
    case "mint_failed":
      throw new Error(`no verdict leads to ${state.kind}`);
    default:
      return unreachable(state);
  }
}
