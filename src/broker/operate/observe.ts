/** What operators read: targets with their queues and breakers, stuck leases, audit. */
import type { ProviderName, TargetName } from "../../domain/names.ts";
import type { AuditCursor } from "../../domain/audit-cursor.ts";
import type { LeaseId, TaskId } from "../../kernel/ids.ts";
import { maxPageSize } from "../../kernel/limits.ts";
import { err, ok, type Result } from "../../kernel/result.ts";
import type { AuditPage, TargetState } from "../../ports/ledger-views.ts";
import type { QueueDepth } from "../../ports/workforce.ts";
import { storeFault } from "../answer-faults.ts";
import { isOperator } from "../callers/may.ts";
import { causeOf } from "../cause.ts";
import type { Fault } from "../fault.ts";
import { killRecordOf, type KillRecord } from "./kill-records.ts";
import { lineOf, type LeaseLine } from "../leases/lease-line.ts";
import type { BrokerParts, Caller } from "../parts.ts";

type Parts = Pick<BrokerParts, "ledger" | "clock">;
const notFound: Fault = { code: "not_found" };

export interface TargetReport extends TargetState {
  /** Wake-ups over all nodes; null where they wait in no queue, or nothing was due lately. */
  readonly queue: QueueDepth | null;
  /** Of its provider; null where the policy has it no more. */
  readonly kill: KillRecord | null;
}

export async function listTargets(
  parts: Parts & Pick<BrokerParts, "depths" | "providers">,
  caller: Caller,
): Promise<Result<readonly TargetReport[], Fault>> {
  if (!isOperator(caller, "read")) return err(notFound);
  const { ledger, providers } = parts;
  const [states, notes, depths] = await Promise.all([
    ledger.listTargets(),
    ledger.listProviderNotes(),
    parts.depths?.(),
  ]);
  const killOf = (name: ProviderName): KillRecord | null => {
    const provider = providers.current(name);
    const note = notes.find((one) => one.provider === name);
    return provider === undefined ? null : killRecordOf(provider, note);
  };
  return ok(
    states.map((state) => ({ ...state, queue: depths?.get(state.target) ?? null, kill: killOf(state.provider) })),
  );
}

/** Pausing a target holds its kills back: only for a person who knows why. Resuming closes the breaker too. */
export async function setTargetPaused(
  parts: Parts,
  caller: Caller,
  request: { target: TargetName; paused: boolean },
): Promise<Result<TargetState, Fault>> {
  if (!isOperator(caller, "kill")) return err(notFound);
  if ((await findTarget(parts, request.target)) === undefined) return err(notFound);
  const breaker = request.paused ? null : { kind: "closed" as const };
  const answer = await parts.ledger.setTarget({ ...request, breaker, cause: causeOf(caller) });
  return answer.kind === "ok" ? ok(answer.value) : err(storeFault);
}

/** A name that no lease brought into the ledger would make a target of its own. */
export async function findTarget(
  { ledger }: Pick<Parts, "ledger">,
  name: TargetName,
): Promise<TargetState | undefined> {
  return (await ledger.listTargets()).find(({ target }) => target === name);
}

export async function listStuck(
  parts: Parts & Pick<BrokerParts, "isKillUnseen">,
  caller: Caller,
  after: LeaseId | null,
): Promise<Result<readonly LeaseLine[], Fault>> {
  if (!isOperator(caller, "read")) return err(notFound);
  const leases = await parts.ledger.listStuck({ after, limit: maxPageSize });
  const now = parts.clock.now();
  return ok(leases.map((lease) => lineOf(parts, lease, "closed", now)));
}

/** `last`: only so many, the newest ones; null begins behind `after`. */
export async function listAudit(
  parts: Parts,
  caller: Caller,
  query: { taskId: TaskId | null; after: AuditCursor | null; last: number | null },
): Promise<Result<AuditPage, Fault>> {
  if (!isOperator(caller, "read")) return err(notFound);
  const { taskId, after, last } = query;
  return ok(await parts.ledger.listAudit({ taskId, after, limit: last ?? maxPageSize, newest: last !== null }));
}

/** Whoever is about to do something, and wants to read what comes of it, asks first where the audit ends. */
export async function auditHead(parts: Parts, caller: Caller): Promise<Result<AuditCursor, Fault>> {
  return isOperator(caller, "read") ? ok(await parts.ledger.auditHead()) : err(notFound);
}

/** Takes the wall clock as right again after a suspect step; issuing resumes. */
export async function acceptClock(parts: Parts, caller: Caller): Promise<Result<void, Fault>> {
  if (!isOperator(caller, "policy")) return err(notFound);
  const answer = await parts.ledger.acceptClock(causeOf(caller));
  return answer.kind === "ok" ? ok() : err(storeFault);
}
