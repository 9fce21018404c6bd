/** Doors that kills left closed: what they stop, and opening them again. */
import type { DoorScope } from "../../domain/scope.ts";
import { err, ok, type Result } from "../../kernel/result.ts";
import type { Door } from "../../ports/ledger-views.ts";
import { storeFault } from "../answer-faults.ts";
import { isOperator } from "../callers/may.ts";
import { causeOf } from "../cause.ts";
import type { Fault } from "../fault.ts";
import type { BrokerParts, Caller } from "../parts.ts";

type Parts = Pick<BrokerParts, "ledger">;

export async function listDoors(parts: Parts, caller: Caller): Promise<Result<readonly Door[], Fault>> {
  if (!isOperator(caller, "read")) return err({ code: "not_found" });
  return ok(await parts.ledger.listDoors());
}

export async function openDoor(parts: Parts, caller: Caller, scope: DoorScope): Promise<Result<void, Fault>> {
  if (!isOperator(caller, "kill")) return err({ code: "not_found" });
  const answer = await parts.ledger.openDoor({ scope, cause: causeOf(caller) });
  if (answer.kind === "ok") return ok();
  return err(answer.kind === "unknown" ? storeFault : { code: "not_found" });
}
