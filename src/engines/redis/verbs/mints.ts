/** What became of a mint. The commit of `completeMint` is where a credential passes the gate or does not (promise P2). */
import type { Cause } from "../../../domain/audit-entry.ts";
import { canonicalJson } from "../../../kernel/canonical-json.ts";
import type { LeaseId } from "../../../kernel/ids.ts";
import type { Answer } from "../../../ports/ledger.ts";
import type { CompleteMint, MintCompletion, NotIntended } from "../../../ports/ledger-commands.ts";
import { answer, causeCommand, conflictOf, plain } from "../answers.ts";
import { completion as completionLua } from "../lua/completion.ts";
import { issuing as issuingLua } from "../lua/issuing.ts";
import { lease as leaseLua } from "../lua/lease.ts";
import { task as taskLua } from "../lua/task.ts";
import { pointPrint } from "../across-shards/prints.ts";
import type { Issuing } from "../issuing.ts";
import { leaseFrom } from "../rows/lease-row.ts";
import { defineScript, textOf, type Reply } from "../script.ts";
import type { ShardCalls } from "../shard-calls.ts";

/**
 * complete_mint {leaseId, handle, sealed, fingerprint, provenAlive, expiresAt, nativeExpiresAt, rejectAs, cause} ->
 * `activated` or `closed`, the lease's row. Keys: meta, lease:ID, task:ID and its ancestors', doors, orders, ordered,
 * due:RANK:TARGET, seals, audit, trail:TASK. Conflict: not_intended.
 * A process that may not issue now delivers nothing: the handle is stored, and the lease dies.
 */
const completeMintScript = defineScript(
  "complete_mint",
  [taskLua, leaseLua, issuingLua, completionLua],
  String.raw`
local row = findLease(c.leaseId)
if not row or not isLive[row.k] then return conflict('not_intended') end
local function answered(outcome) return finish('ok', row.qs, { outcome, leaseReply(row) }) end

local isLate = isDying[row.k] and row.ou
if row.k ~= 'intended' and not isLate then
  local isRepeat = row.qs and row.h == c.handle and row.se == c.sealed and row.fp == c.fingerprint
  if not isRepeat or (row.k == 'active' and c.rejectAs) then return conflict('not_intended') end
  return answered(row.k == 'active' and 'activated' or 'closed')
end
return answered(complete(row, c))
`,
  { isAcknowledged: true },
);

/**
 * fail_mint {leaseId, reason, cause} -> nothing. Keys: meta, lease:ID, task:ID (an automatic one ends), those of a death.
 * Conflict: not_intended.
 */
const failMintScript = defineScript(
  "fail_mint",
  [taskLua, leaseLua],
  String.raw`
local row = findLease(c.leaseId)
if row and row.k == 'mint_failed' and row.qs then return finish('ok', row.qs) end
if not row or not (row.k == 'intended' or (isDying[row.k] and row.ou)) then return conflict('not_intended') end
row.qs = audit('lease.mint_failed', row.t, row.id, { reason = quote(c.reason) }, c.cause)
row.k, row.at, row.lr = 'mint_failed', now, c.reason
row.kc, row.ko, row.n, row.lv, row.ou, row.uu, row.fx = nil, nil, nil, nil, nil, nil, nil
saveLease(row)
endIfSpent(row.t)
return finish('ok', row.qs)
`,
);

export function completeMint(
  { calls, turns, joinedMints }: Issuing,
  command: CompleteMint,
): Promise<Answer<MintCompletion, NotIntended>> {
  const joined = joinedMints.join(command);
  return turns.run(command.leaseId, async () => joined?.answer ?? completeAlone(calls, command));
}

async function completeAlone(calls: ShardCalls, command: CompleteMint): Promise<Answer<MintCompletion, NotIntended>> {
  const { leaseId, fingerprint, nativeExpiresAt } = command;
  // Before, so that whatever is delivered can be found: a pointer to nothing is harmless, a missing one is not.
  if (fingerprint !== null) await pointPrint(calls, { fingerprint, leaseId, nativeExpiresAt });
  const mint = { leaseId, ...completionCommand(command) };
  const reply = await calls.ask(calls.shards.ofId(leaseId), completeMintScript, mint);
  if (reply.kind === "conflict") return conflictOf(reply, plain({ reason: "not_intended" }));
  return completionFrom(reply.payload, reply.sequence);
}

export const completionCommand = (command: CompleteMint): object => ({
  handle: canonicalJson(command.handle),
  sealed: command.sealed ?? undefined,
  fingerprint: command.fingerprint ?? undefined,
  provenAlive: command.provenAlive,
  expiresAt: command.expiresAt,
  nativeExpiresAt: command.nativeExpiresAt,
  rejectAs: command.rejectAs ?? undefined,
  cause: causeCommand(command.cause),
});

/** `activated` or `closed`, and the lease's row. */
export function completionFrom([word, row]: readonly Reply[], sequence: number): Answer<MintCompletion, never> {
  const outcome = textOf(word) === "activated" ? "activated" : "closed";
  return answer({ outcome, lease: leaseFrom(row).lease }, sequence);
}

export async function failMint(
  calls: ShardCalls,
  { leaseId, reason, cause }: { readonly leaseId: LeaseId; readonly reason: string; readonly cause: Cause },
): Promise<Answer<void, NotIntended>> {
  const command = { leaseId, reason, cause: causeCommand(cause) };
  const reply = await calls.ask(calls.shards.ofId(leaseId), failMintScript, command);
  if (reply.kind === "conflict") return conflictOf(reply, plain({ reason: "not_intended" }));
  return answer(undefined, reply.sequence);
}
