/** One credential as those concerned with its task see it, and its early end by them. */
import type { LeaseId } from "../../kernel/ids.ts";
import { err, ok, type Result } from "../../kernel/result.ts";
import { millis } from "../../kernel/time.ts";
import { storeFault } from "../answer-faults.ts";
import { mayEnd, mayRead } from "../callers/may.ts";
import { causeOf } from "../cause.ts";
import type { Fault } from "../fault.ts";
import type { BrokerParts, Caller } from "../parts.ts";
import { lineOf, type LeaseLine } from "./lease-line.ts";

type Parts = Pick<BrokerParts, "ledger" | "clock" | "isKillUnseen">;

export async function readLease(parts: Parts, caller: Caller, leaseId: LeaseId): Promise<Result<LeaseLine, Fault>> {
  const found = await findFor(parts, caller, leaseId, mayRead);
  if (!found.ok) return found;
  const { lease, gate } = found.value;
  return ok(lineOf(parts, lease, gate.kind, parts.clock.now()));
}

export async function deleteLease(parts: Parts, caller: Caller, leaseId: LeaseId): Promise<Result<LeaseLine, Fault>> {
  const found = await findFor(parts, caller, leaseId, mayEnd);
  if (!found.ok) return found;
  const answer = await parts.ledger.makeDue({
    leaseId,
    killCause: "requested",
    delay: millis(0),
    cause: causeOf(caller),
  });
  if (answer.kind !== "ok") return err(answer.kind === "unknown" ? storeFault : { code: "not_found" });
  return ok(lineOf(parts, answer.value, found.value.gate.kind, parts.clock.now()));
}

async function findFor(parts: Parts, caller: Caller, leaseId: LeaseId, may: typeof mayRead) {
  const found = await parts.ledger.readLease(leaseId);
  const view = found === undefined ? undefined : await parts.ledger.readTask(found.lease.taskId);
  if (found === undefined || view === undefined || !may(caller, view)) return err<Fault>({ code: "not_found" });
  return ok(found);
}
