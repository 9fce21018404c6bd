/**
 * The operator's kill: one durable row, whatever the number of credentials. A wider scope than a task leaves a door
 * behind that stays closed until it is opened again. A dry run only counts.
 */
import type { KillScope } from "../../domain/scope.ts";
import { err, ok, type Result } from "../../kernel/result.ts";
import type { BlastRadius } from "../../ports/ledger-views.ts";
import { storeFault } from "../answer-faults.ts";
import { isOperator } from "../callers/may.ts";
import { causeOf } from "../cause.ts";
import type { Fault } from "../fault.ts";
import type { BrokerParts, Caller } from "../parts.ts";

type Parts = Pick<BrokerParts, "ledger">;

/** Not an operator with that right: the same answer as for a path that does not exist. */
const notFound: Fault = { code: "not_found" };

export async function blastRadius(parts: Parts, caller: Caller, scope: KillScope): Promise<Result<BlastRadius, Fault>> {
  if (!isOperator(caller, "read") && !isOperator(caller, "kill")) return err(notFound);
  return ok(await parts.ledger.blastRadius(scope));
}

export async function kill(
  parts: Parts,
  caller: Caller,
  request: { scope: KillScope; reason: string },
): Promise<Result<BlastRadius, Fault>> {
  if (!isOperator(caller, "kill")) return err(notFound);
  const { scope, reason } = request;
  const cause = causeOf(caller);
  if (scope.kind === "task") {
    const ended = await parts.ledger.endTask({ taskId: scope.id, outcome: "killed", reason, cause });
    if (ended.kind !== "ok") return err(ended.kind === "unknown" ? storeFault : notFound);
    return ok(await parts.ledger.blastRadius(scope));
  }
  // The count goes along with the order, which goes first: neither waits for the other.
  const [closed, radius] = await Promise.all([
    parts.ledger.closeDoor({ scope, reason, cause }),
    parts.ledger.blastRadius(scope),
  ]);
  return closed.kind === "ok" ? ok(radius) : err(storeFault);
}
