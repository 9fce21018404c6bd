/** One lease: made due, read, found by what was delivered. */
import type { Lease } from "../../../domain/lease.ts";
import type { Fingerprint } from "../../../kernel/digest.ts";
import type { LeaseId } from "../../../kernel/ids.ts";
import type { Answer } from "../../../ports/ledger.ts";
import type { MakeDue, NotFound } from "../../../ports/ledger-commands.ts";
import type { LeaseView } from "../../../ports/ledger-views.ts";
import { answer, causeCommand, conflictOf, plain } from "../answers.ts";
import { lease as leaseLua } from "../lua/lease.ts";
import { task as taskLua } from "../lua/task.ts";
import { leaseOfPrint } from "../across-shards/prints.ts";
import { leaseFrom } from "../rows/lease-row.ts";
import { taskFrom } from "../rows/task-row.ts";
import { defineScript, listOf } from "../script.ts";
import type { ShardCalls } from "../shard-calls.ts";
import { gateFrom } from "./reads.ts";

/**
 * make_due {leaseId, killCause, delay, endsBackoff, cause} -> the lease's row. Never postpones. Nothing changes of a dead
 * lease. Keys: meta, lease:ID, due:RANK:TARGET, audit, trail:TASK. Conflict: not_found.
 */
const makeDueScript = defineScript(
  "make_due",
  [taskLua, leaseLua],
  String.raw`
local row = findLease(c.leaseId)
if not row then return conflict('not_found') end
local sequence = makeDue(row, c.killCause, now, now + c.delay, c.cause, c.endsBackoff)
return finish('ok', sequence, { leaseReply(row) })
`,
  { lane: "revoke" },
);

/**
 * read_lease {leaseId} -> gate reason or '', the task that closed it or '', the task's row, the lease's row. Nothing where
 * there is no such lease. Keys: lease:ID, task:ID and its ancestors', doors.
 */
const readLeaseScript = defineScript(
  "read_lease",
  [taskLua, leaseLua],
  String.raw`
local row = findLease(c.leaseId)
if not row then return finish('ok') end
local reason, by = gateBehind(findTask(row.t), standingOf(row.s).doors)
return finish('ok', seq, { reason or '', by or '', taskReply(row.t), leaseReply(row) })
`,
);

export async function makeDue(calls: ShardCalls, command: MakeDue): Promise<Answer<Lease, NotFound>> {
  const { leaseId, killCause, delay, endsBackoff, cause } = command;
  const asked = { leaseId, killCause, delay, endsBackoff, cause: causeCommand(cause) };
  const reply = await calls.ask(calls.shards.ofId(leaseId), makeDueScript, asked);
  if (reply.kind === "conflict") return conflictOf(reply, plain({ reason: "not_found" }));
  return answer(leaseFrom(reply.payload[0]).lease, reply.sequence);
}

export async function readLease(calls: ShardCalls, leaseId: LeaseId): Promise<LeaseView | undefined> {
  const { payload } = await calls.ask(calls.shards.ofId(leaseId), readLeaseScript, { leaseId });
  const [reason, by, task, lease] = payload;
  if (lease === undefined) return undefined;
  return { lease: leaseFrom(lease).lease, task: taskFrom(listOf(task)).task, gate: gateFrom(reason, by) };
}

export async function findLease(calls: ShardCalls, fingerprint: Fingerprint): Promise<LeaseView | undefined> {
  const leaseId = await leaseOfPrint(calls, fingerprint);
  const view = leaseId === undefined ? undefined : await readLease(calls, leaseId);
  return view?.lease.fingerprint === fingerprint ? view : undefined;
}
