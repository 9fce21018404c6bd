/** Doors and policies: of every shard. One that is closed in some shards only is closed: there it refuses. */
import type { Cause } from "../../../domain/audit-entry.ts";
import { scopeKey, type DoorScope } from "../../../domain/scope.ts";
import type { Answer } from "../../../ports/ledger.ts";
import type { LoadPolicy, NotFound } from "../../../ports/ledger-commands.ts";
import type { Door } from "../../../ports/ledger-views.ts";
import { everywhere, OutcomeUnknown } from "./answers.ts";
import type { Shards } from "./shards.ts";

interface CloseDoor {
  readonly scope: DoorScope;
  readonly reason: string;
  readonly cause: Cause;
}

/** Closed when every shard has said so: the door may stand open in one that did not. Closing again is harmless. */
export const closeDoor = (shards: Shards, command: CloseDoor): Promise<Answer<Door, never>> =>
  everywhere(shards, (shard) => shard.closeDoor(command), mergeDoors);

/** Opens it wherever it is closed. */
export async function openDoor(
  shards: Shards,
  command: { readonly scope: DoorScope; readonly cause: Cause },
): Promise<Answer<void, NotFound>> {
  const answers = await shards.all((shard) => shard.openDoor(command));
  const unknown = answers.find(({ kind }) => kind === "unknown");
  if (unknown?.kind === "unknown") throw new OutcomeUnknown(unknown.reason);
  const opened = answers.find(({ kind }) => kind === "ok");
  return opened ?? { kind: "conflict", conflict: { reason: "not_found" } };
}

/**
 * Each shard keeps the names and closes what was dropped, in one write. Where one did not answer the next load is the one
 * that it notices a removal by.
 */
export const loadPolicy = (
  shards: Shards,
  command: LoadPolicy,
): Promise<Answer<{ closed: readonly DoorScope[] }, never>> =>
  everywhere(
    shards,
    (shard) => shard.loadPolicy(command),
    (loads) => {
      const closed = new Map(loads.flatMap((load) => load.closed).map((scope) => [scopeKey(scope), scope]));
      return { closed: [...closed.values()] };
    },
  );

export async function listDoors(shards: Shards): Promise<readonly Door[]> {
  const doors = (await shards.all((shard) => shard.listDoors())).flat();
  const byScope = [...Map.groupBy(doors, ({ scope }) => scopeKey(scope)).values()];
  return byScope
    .map(mergeDoors)
    .toSorted(
      (left, right) => left.closedAt - right.closedAt || (scopeKey(left.scope) < scopeKey(right.scope) ? -1 : 1),
    );
}

/** Of one scope in several shards: since it was first closed, expanding while one is. */
function mergeDoors(doors: readonly Door[]): Door {
  const [first] = doors.toSorted((left, right) => left.closedAt - right.closedAt);
  if (first === undefined) throw new Error("a ledger without shards");
  return { ...first, expanding: doors.some(({ expanding }) => expanding) };
}
