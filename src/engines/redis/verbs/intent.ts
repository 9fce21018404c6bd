/** The intent: every check first, then one write. Without this record no mint may start (promise P1). */
import type { Lease } from "../../../domain/lease.ts";
import { brand } from "../../../kernel/brand.ts";
import { canonicalJson } from "../../../kernel/canonical-json.ts";
import type { LeaseId } from "../../../kernel/ids.ts";
import type { Answer } from "../../../ports/ledger.ts";
import type { IntentConflict, IntentRecorded, RecordIntent } from "../../../ports/ledger-commands.ts";
import { answer, causeCommand, conflictOf } from "../answers.ts";
import { settlementBy, slotMarginMillis, type Issuing } from "../issuing.ts";
import { completion as completionLua } from "../lua/completion.ts";
import { issuing as issuingLua } from "../lua/issuing.ts";
import { lease as leaseLua } from "../lua/lease.ts";
import { target as targetLua } from "../lua/target.ts";
import { task as taskLua } from "../lua/task.ts";
import { roomLimit } from "../across-shards/limits.ts";
import type { Holder, Reserved } from "../across-shards/reservations.ts";
import { leaseFrom, standingText } from "../rows/lease-row.ts";
import { taskFrom } from "../rows/task-row.ts";
import { defineScript, listOf, numberOf, textOf, type Reply } from "../script.ts";
import { completionCommand, completionFrom } from "./mints.ts";
import { openingCommand, openingHolder, readTaskConflict } from "./tasks.ts";

/**
 * record_intent {lease, standing, target, mintTimeout, ttl, worstCaseTtl, opening, limits, cl, cr, takesRoom, over, replayed, key, digest,
 * replaces, demandKillPath, completion, cause} -> `recorded` or `existing`, the task's row, the lease's row; and of a
 * completion that came along the sequence of its entry, `activated` or `closed`, the lease's row after it.
 * Keys: meta, lease:ID (made), leases:TASK, task:ID, doors, standing(s), targets, target:NAME, due:RANK:TARGET, counts,
 * key:HASH, audit, trail:TASK, and those of open_task where the exchange opens its task.
 * A `lost` one is written again although the gate is closed now: its credential may exist.
 * Conflicts, in the order of the checks: suspended WHY, id_taken, those of open_task, not_found, gate_closed REASON,
 * replayed, key_reused, in_flight LEASE, already_delivered LEASE (which became due), kill_path_broken,
 * limit_reached LIMIT. A lease that exists is answered as it is: whether it is a repeat is judged by the caller.
 */
const recordIntentScript = defineScript(
  "record_intent",
  [taskLua, leaseLua, targetLua, issuingLua, completionLua],
  String.raw`
local wish = c.lease
local existing = findLease(wish.id)
if existing then return finish('ok', existing.qi, { 'existing', taskReply(existing.t), leaseReply(existing) }) end
if suspended then return conflict('suspended', suspended) end

local owner = findTask(wish.t)
local opens = c.opening and not (c.lost and owner)
if opens then
  if owner then return conflict('id_taken') end
  local parent, refusal = checkOpening(c.opening)
  if parent == nil then return conflict(unpack(refusal)) end
  owner = draftTask(c.opening, parent)
elseif not owner then
  return conflict('not_found')
end
local replaced = c.replaces and findLease(c.replaces)
if c.replaces and not (replaced and replaced.t == owner.id) then return conflict('not_found') end

local names = string.sub(c.standing, 1, -2) .. ',' .. quote(owner.ag) .. ',' .. quote(owner.is) .. ']'
local draft = standingFrom(names)
local reason = gateBehind(owner, draft.doors)
if reason and not c.lost then return conflict('gate_closed', reason) end
if c.replayed then return conflict('replayed') end
local repeated = c.key and checkKey(c.key, c.digest, c.cause)
if repeated then return conflict(unpack(repeated)) end
if c.demandKillPath and isKillPathBroken(draft.target) then return conflict('kill_path_broken') end
local full = fullLimit(c.limits, freedBy(replaced))
if full then return conflict('limit_reached', full) end

if opens then writeOpening(c.opening, owner, c.cause) end
internTarget(draft.target)
local row = {
  id = wish.id, t = owner.id, s = internStanding(names).key, k = 'intended', c = now, ma = now + c.mintTimeout,
  ea = now + c.ttl, na = now + c.worstCaseTtl, h = wish.handle, cl = c.cl, cr = c.cr, ik = c.key,
}
local data = { expires_at = int(row.ea), handle = row.h, target = quote(draft.target), template = quote(draft.template) }
row.dn = c.takesRoom and '1' or nil
row.qi = audit('lease.intended', owner.id, row.id, data, c.cause)
takeCounters(row.cl)
leases[row.id] = row
call('ZADD', at('leases', owner.id), 0, row.id)
if c.key then storeKey(c.key, c.digest, row.id) end
if replaced then replace(replaced, row, c.over, c.cause) end
local payload = { 'recorded', false, leaseReply(row) }
if c.completion then
  payload[5] = complete(row, c.completion)
  payload[4], payload[6] = row.qs, leaseReply(row)
else
  saveLease(row)
end
payload[2] = taskReply(owner.id)
return finish('ok', row.qi, payload)
`,
  { isAcknowledged: true, isRefusedWhenFull: true },
);

export async function recordIntent(
  { calls, reservations, joinedMints }: Issuing,
  command: RecordIntent,
): Promise<Answer<IntentRecorded, IntentConflict>> {
  const { lease, automaticTask, replay, replaces, worstCaseTtl } = command;
  const shard = calls.shards.ofId(lease.taskId);
  if (calls.shards.ofId(lease.id) !== shard) throw new Error("a lease lives where its task does");
  if (automaticTask !== null && automaticTask.task.id !== lease.taskId)
    throw new Error("the lease names another task than the one it opens");

  const limits = [...command.limits, ...roomLimit(command)];
  const holder = { id: lease.id, limits, holdMillis: worstCaseTtl + slotMarginMillis, replaces };
  const openings = automaticTask === null ? [] : [openingHolder(automaticTask)];
  const reserving = reservations.reserve([...openings, holder], replay);
  const { value: reserved, mint } = await joinedMints.during(lease.id, reserving);
  const reply = await calls.ask(shard, recordIntentScript, {
    ...intentCommand(command, holder, reserved),
    completion: mint === null ? undefined : completionCommand(mint.command),
  });
  await reserved.settle(settlementBy(reply, "recorded"));
  if (reply.kind === "conflict") return conflictOf(reply, (...told) => readConflict(command, ...told));

  const [word, taskRow, leaseRow, completedSequence, ...completed] = reply.payload;
  if (mint !== null && completed.length > 0) mint.answer = completionFrom(completed, numberOf(completedSequence));
  const recorded = leaseFrom(leaseRow).lease;
  if (textOf(word) === "existing" && !isRepeat(recorded, command))
    return { kind: "conflict", conflict: { reason: "id_taken" } };
  return answer({ lease: recorded, task: taskFrom(listOf(taskRow)).task }, reply.sequence);
}

function intentCommand(command: RecordIntent, holder: Holder, reserved: Reserved): object {
  const { lease, automaticTask, idempotency, mintTimeout, ttl, worstCaseTtl, demandKillPath, cause } = command;
  return {
    ...reserved.commandOf(holder),
    lease: { id: lease.id, t: lease.taskId, handle: canonicalJson(lease.handle) },
    standing: standingText(lease),
    opening:
      automaticTask === null
        ? undefined
        : openingCommand(automaticTask, reserved.commandOf(openingHolder(automaticTask))),
    takesRoom: command.capacity !== null,
    over: reserved.takenOver,
    replayed: reserved.isReplayed,
    key: idempotency?.key,
    digest: idempotency?.requestDigest,
    replaces: command.replaces ?? undefined,
    mintTimeout,
    ttl,
    worstCaseTtl,
    demandKillPath,
    cause: causeCommand(cause),
  };
}

/** The handle may be another one: whoever tries anew may have chosen anew, and the first answer stands. */
function isRepeat(recorded: Lease, { lease }: RecordIntent): boolean {
  const { handle: _, ...asked } = lease;
  return Object.entries(asked).every(([name, value]) => recorded[name as keyof typeof asked] === value);
}

function readConflict({ lease }: RecordIntent, reason: string, rest: readonly Reply[]): IntentConflict {
  switch (reason) {
    case "id_taken":
    case "replayed":
    case "key_reused":
      return { reason };
    case "in_flight":
    case "already_delivered":
      return { reason, leaseId: brand<LeaseId>(textOf(rest[0])) };
    case "kill_path_broken":
      return { reason, target: lease.target };
    default: {
      const conflict = readTaskConflict(reason, rest);
      if (conflict.reason === "too_deep") throw new Error("an automatic task has no parent");
      return conflict;
    }
  }
}
