/** Doors: closing one is one row and one kill order; a closed door refuses until an operator opens it. */
import type { Cause } from "../../../domain/audit-entry.ts";
import { scopeKey, type DoorScope } from "../../../domain/scope.ts";
import type { AgentName, IssuerName } from "../../../domain/names.ts";
import type { Answer } from "../../../ports/ledger.ts";
import type { LoadPolicy, NotFound } from "../../../ports/ledger-commands.ts";
import type { Door } from "../../../ports/ledger-views.ts";
import { text } from "../driver.ts";
import { findDoor, removeDoor, storeDoor } from "../rows/door-rows.ts";
import { insertOrder, wideRank } from "../rows/kill-order-rows.ts";
import { answer, conflict, type Tx } from "../tx.ts";

interface CloseDoor {
  readonly scope: DoorScope;
  readonly reason: string;
  readonly cause: Cause;
}

/** Closing again keeps the first instant and reason, and orders the kill anew. */
export function closeDoor(tx: Tx, command: CloseDoor): Answer<Door, never> {
  const { scope, reason, cause } = command;
  const key = scopeKey(scope);
  const before = findDoor(tx, scope);
  const type = before === undefined ? "door.closed" : "kill.ordered";
  const sequence = tx.audit({ type, taskId: null, leaseId: null, cause, data: { reason, scope: key } });
  if (before === undefined) storeDoor(tx, scope, { reason, closedAt: tx.now });
  insertOrder(tx, {
    rank: wideRank,
    sequence,
    scope: key,
    subjectKey: 0,
    cause: "door_closed",
    orderedAt: tx.now,
  });
  return answer({ scope, reason, closedAt: tx.now, ...before, expanding: true }, sequence);
}

/** An order that is still being walked goes on: it covers what was recorded before it. */
export function openDoor(tx: Tx, command: { scope: DoorScope; cause: Cause }): Answer<void, NotFound> {
  const { scope, cause } = command;
  if (findDoor(tx, scope) === undefined) return conflict({ reason: "not_found" });
  removeDoor(tx, scope);
  const data = { scope: scopeKey(scope) };
  return answer(undefined, tx.audit({ type: "door.opened", taskId: null, leaseId: null, cause, data }));
}

/** Whoever the policy dropped loses the door and all that stands behind it. */
export function loadPolicy(tx: Tx, command: LoadPolicy): Answer<{ closed: readonly DoorScope[] }, never> {
  const { digest, agents, issuers, cause } = command;
  const row = tx.sql.get("SELECT agents, issuers FROM policy");
  const sequence = tx.audit({ type: "policy.loaded", taskId: null, leaseId: null, cause, data: { digest } });
  tx.sql.run("UPDATE policy SET agents = ?, issuers = ?", JSON.stringify(agents), JSON.stringify(issuers));
  const gone = <N extends string>(before: readonly N[], now: readonly N[]) =>
    before.filter((name) => !now.includes(name));
  const closed: readonly DoorScope[] = [
    ...gone(JSON.parse(text(row?.[0])) as AgentName[], agents).map((name) => ({ kind: "agent", name }) as const),
    ...gone(JSON.parse(text(row?.[1])) as IssuerName[], issuers).map((name) => ({ kind: "issuer", name }) as const),
  ];
  for (const scope of closed) closeDoor(tx, { scope, reason: "removed from policy", cause });
  return answer({ closed }, sequence);
}
