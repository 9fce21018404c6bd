/**
 * What this process was told is stored, of the last minute: tasks, intents, mints, kills and ends. A master that takes
 * another's place may lack the newest of it. Written again through the same verbs it is harmless where it is there; an
 * intent that was lost is written as one to be killed, because its credential may exist.
 */
import { scopeKey, type DoorScope } from "../../../domain/scope.ts";
import type { Clock } from "../../../kernel/clock.ts";
import { homeOfId, type Home, type LeaseId } from "../../../kernel/ids.ts";
import { millis } from "../../../kernel/time.ts";
import { unreachable } from "../../../kernel/unreachable.ts";
import type { Answer, Ledger } from "../../../ports/ledger.ts";
import type { OpenTask, RecordIntent } from "../../../ports/ledger-commands.ts";

/** The verbs whose loss would matter, and what they were told. */
const kept = ["openTask", "recordIntent", "completeMint", "makeDue", "closeDoor", "loadPolicy", "endTask"] as const;
type KeptVerb = (typeof kept)[number];
type Change = { readonly [V in KeptVerb]: { readonly verb: V; readonly command: Parameters<Ledger[V]>[0] } }[KeptVerb];

export interface RecentChanges {
  /** The same ledger, remembered. */
  remember(ledger: Ledger): Ledger;
  replay(ledger: Ledger): Promise<Replayed>;
}

export interface Replayed {
  /** Whether the outcome of each is known. */
  readonly isDone: boolean;
  readonly changes: number;
  /** Intents that were lost; they are due now. */
  readonly lost: number;
}

const keptMillis = 60_000;
/** A bound on memory: at two kilobytes each some 100 MB. The oldest go first. */
const mostKept = 50_000;

/** Whether a door was opened, by any node, after it was closed with this sequence. */
export type OpenedSince = (scope: DoorScope, closedWith: number) => Promise<boolean>;

interface Entry {
  readonly at: number;
  readonly sequence: number;
  readonly change: Change;
}

export function createRecentChanges(clock: Clock, isOpenedSince: OpenedSince): RecentChanges {
  let entries: Entry[] = [];
  let first = 0;

  function note(change: Change, sequence: number): void {
    const now = clock.monotonicMillis();
    entries.push({ at: now, sequence, change });
    while (entries.length - first > mostKept || (entries[first]?.at ?? now) < now - keptMillis) first += 1;
    if (first < entries.length / 2 || first < 1_000) return;
    entries = entries.slice(first);
    first = 0;
  }

  function forget(isPast: (change: Change) => boolean): void {
    entries = entries.slice(first).filter(({ change }) => !isPast(change));
    first = 0;
  }

  async function noted<T, C>(change: Change, asked: Promise<Answer<T, C>>): Promise<Answer<T, C>> {
    const answer = await asked;
    if (answer.kind !== "ok") return answer;
    // An earlier policy written again would close the doors of whom a later one added.
    if (change.verb === "loadPolicy") forget(({ verb }) => verb === "loadPolicy");
    note(change, answer.sequence);
    return answer;
  }

  return {
    remember: (ledger) => ({
      ...ledger,
      openTask: (command) => noted({ verb: "openTask", command }, ledger.openTask(command)),
      recordIntent: (command) => noted({ verb: "recordIntent", command }, ledger.recordIntent(command)),
      completeMint: (command) => noted({ verb: "completeMint", command }, ledger.completeMint(command)),
      makeDue: (command) => noted({ verb: "makeDue", command }, ledger.makeDue(command)),
      closeDoor: (command) => noted({ verb: "closeDoor", command }, ledger.closeDoor(command)),
      loadPolicy: (command) => noted({ verb: "loadPolicy", command }, ledger.loadPolicy(command)),
      endTask: (command) => noted({ verb: "endTask", command }, ledger.endTask(command)),
      async openDoor(command) {
        const answer = await ledger.openDoor(command);
        if (answer.kind === "ok") forget(closingOf(scopeKey(command.scope)));
        return answer;
      },
    }),
    async replay(ledger) {
      const now = clock.monotonicMillis();
      const newest: Entry[] = [];
      for (const entry of entries.slice(first)) {
        // oxlint-disable-next-line no-await-in-loop -- asks for doors only, which are few
        if (entry.at >= now - keptMillis && !(await isUndone(entry, isOpenedSince))) newest.push(entry);
      }
      return replayAll(
        ledger,
        newest.map(({ at, change }) => aged(change, now - at)),
      );
    },
  };
}

/** Written again, a closing would kill what was issued since another node opened the door. */
const isUndone = async ({ change, sequence }: Entry, isOpenedSince: OpenedSince): Promise<boolean> =>
  change.verb === "closeDoor" && (await isOpenedSince(change.command.scope, sequence));

/** Closings of a door that was opened since: written again they would kill what was issued meanwhile. */
const closingOf =
  (scope: string) =>
  (change: Change): boolean =>
    change.verb === "closeDoor" && scopeKey(change.command.scope) === scope;

/** A deadline is a span from its commit: written again it must not end later than it did. */
function aged(change: Change, ageMillis: number): Change {
  if (change.verb === "openTask") return { ...change, command: agedTask(change.command, ageMillis) };
  if (change.verb !== "recordIntent" || change.command.automaticTask === null) return change;
  return {
    ...change,
    command: { ...change.command, automaticTask: agedTask(change.command.automaticTask, ageMillis) },
  };
}

/** Counted by no limit: a full one must not turn it away. */
const agedTask = (command: OpenTask, ageMillis: number): OpenTask => ({
  ...command,
  limits: [],
  deadline: millis(Math.max(1, command.deadline - ageMillis)),
});

/**
 * Of one home in the order in which they were answered, because a task comes before its leases and before its children;
 * many homes at once. Doors and policies last: nothing is issued meanwhile.
 */
async function replayAll(ledger: Ledger, changes: readonly Change[]): Promise<Replayed> {
  const lost = new Set<LeaseId>();
  const homes = [...Map.groupBy(changes, homeOf).entries()];
  const wide = homes.flatMap(([home, of]) => (home === null ? of : []));
  const queue = homes.flatMap(([home, of]) => (home === null ? [] : [of])).values();
  let isDone = true;
  const work = async (): Promise<void> => {
    for (const of of queue) isDone = (await replayInOrder(ledger, of, lost)) && isDone;
  };
  await Promise.all(Array.from({ length: homesAtOnce }, work));
  isDone = (await replayInOrder(ledger, wide, lost)) && isDone;
  return { isDone, changes: changes.length, lost: lost.size };
}

const homesAtOnce = 32;

function homeOf({ verb, command }: Change): Home | null {
  switch (verb) {
    case "openTask":
      return homeOfId(command.task.id);
    case "recordIntent":
      return homeOfId(command.lease.taskId);
    case "completeMint":
    case "makeDue":
      return homeOfId(command.leaseId);
    case "endTask":
      return homeOfId(command.taskId);
    case "closeDoor":
    case "loadPolicy":
      return null;
    default:
      return unreachable(verb);
  }
}

async function replayInOrder(ledger: Ledger, changes: readonly Change[], lost: Set<LeaseId>): Promise<boolean> {
  for (const change of changes) {
    const answer = await replayOne(ledger, change, lost);
    if (answer.kind === "unknown") return false;
  }
  return true;
}

function replayOne(ledger: Ledger, change: Change, lost: Set<LeaseId>): Promise<Answer<unknown, unknown>> {
  switch (change.verb) {
    case "recordIntent":
      return replayIntent(ledger, change.command, lost);
    case "completeMint":
      return ledger.completeMint(
        lost.has(change.command.leaseId) ? { ...change.command, rejectAs: "outcome_unknown" } : change.command,
      );
    case "openTask":
      return ledger.openTask(change.command);
    case "makeDue":
      return ledger.makeDue(change.command);
    case "closeDoor":
      return ledger.closeDoor(change.command);
    case "loadPolicy":
      return ledger.loadPolicy(change.command);
    case "endTask":
      return ledger.endTask(change.command);
    default:
      return unreachable(change);
  }
}

/** Without what only guards a new mint: this one may have happened. */
async function replayIntent(
  ledger: Ledger,
  command: RecordIntent,
  lost: Set<LeaseId>,
): Promise<Answer<unknown, unknown>> {
  const { id } = command.lease;
  if (!lost.has(id) && (await isThere(ledger, id))) return done;
  lost.add(id);
  const again = { ...command, limits: [], replay: null, idempotency: null, replaces: null, demandKillPath: false };
  const recorded = await ledger.recordIntent(again);
  if (recorded.kind !== "ok") return recorded;
  const { cause } = command;
  return ledger.makeDue({ leaseId: id, killCause: "outcome_unknown", delay: millis(0), cause });
}

const done: Answer<void, never> = { kind: "ok", value: undefined, sequence: 0 };

const isThere = async (ledger: Ledger, id: LeaseId): Promise<boolean> => (await ledger.readLease(id)) !== undefined;
