/** Doors: a closed one refuses whatever stands behind it until an operator opens it again. */
import type { Cause } from "../../domain/audit-entry.ts";
import { scopeKey, type DoorScope } from "../../domain/scope.ts";
import type { Answer } from "../../ports/ledger.ts";
import type { LoadPolicy, NotFound } from "../../ports/ledger-commands.ts";
import type { Door } from "../../ports/ledger-views.ts";
import { notFound, ok, record, type Model } from "./model.ts";
import type { DoorRow } from "./state.ts";

type CloseDoor = { readonly scope: DoorScope; readonly reason: string; readonly cause: Cause };

export function closeDoor(model: Model, command: CloseDoor): Answer<Door, never> {
  const now = model.time.now();
  const { scope, reason, cause } = command;
  const key = scopeKey(scope);
  const before = model.state.doors.get(key);
  const row = before ?? { scope, reason, closedAt: now };
  const type = before === undefined ? "door.closed" : "kill.ordered";
  const sequence = record(model, { type, taskId: null, leaseId: null, cause, data: { scope: key, reason } }, now);
  model.state.doors.set(key, row);
  model.state.killOrders.push({ scope, orderedAt: now, sequence, walkedTo: null });
  return ok(doorOf(model, row), sequence);
}

export function openDoor(model: Model, command: { scope: DoorScope; cause: Cause }): Answer<void, NotFound> {
  const key = scopeKey(command.scope);
  if (!model.state.doors.delete(key)) return notFound;
  const { cause } = command;
  const draft = { type: "door.opened", taskId: null, leaseId: null, cause, data: { scope: key } } as const;
  return ok(undefined, record(model, draft, model.time.now()));
}

/** Whoever the policy dropped loses the door and all that stands behind it. */
export function loadPolicy(model: Model, command: LoadPolicy): Answer<{ closed: readonly DoorScope[] }, never> {
  const { digest, agents, issuers, cause } = command;
  const before = model.state.policy;
  const draft = { type: "policy.loaded", taskId: null, leaseId: null, cause, data: { digest } } as const;
  const sequence = record(model, draft, model.time.now());
  model.state.policy = { agents, issuers };
  const closed: readonly DoorScope[] = [
    ...before.agents.filter((name) => !agents.includes(name)).map((name) => ({ kind: "agent", name }) as const),
    ...before.issuers.filter((name) => !issuers.includes(name)).map((name) => ({ kind: "issuer", name }) as const),
  ];
  for (const scope of closed) closeDoor(model, { scope, reason: "removed from policy", cause });
  return ok({ closed }, sequence);
}

export const listDoors = (model: Model): readonly Door[] =>
  [...model.state.doors.values()].map((row) => doorOf(model, row));

function doorOf(model: Model, row: DoorRow): Door {
  const key = scopeKey(row.scope);
  return { ...row, expanding: model.state.killOrders.some((order) => scopeKey(order.scope) === key) };
}
