/**
 * The story of a run as the audit tells it, folded entry by entry in the ledger's own order, with what the broker asked
 * for beside it. Gate and limits are judged here, at the entry where they matter, by sequence and not by arrival.
 */
import type { AuditCursor } from "../../../src/domain/audit-cursor.ts";
import type { AuditEntry } from "../../../src/domain/audit-entry.ts";
import type { Task } from "../../../src/domain/task.ts";
import { parseLeaseId, type LeaseId, type TaskId } from "../../../src/kernel/ids.ts";
import { maxPageSize } from "../../../src/kernel/limits.ts";
import type { Ledger } from "../../../src/ports/ledger.ts";
import type { AuditPage } from "../../../src/ports/ledger-views.ts";
import type { RecordIntent } from "../../../src/ports/ledger-commands.ts";
import { checkGate, doorIn, silenceOf } from "./check-gate.ts";
import { checkIntent, judgeDoubts, type Doubt } from "./check-limits.ts";
import type { StoreWitness } from "./store.ts";
import { Violation } from "./violation.ts";

/** Instants of a story are places in the order of reading, which within a shard is that of its sequences. */
export interface LeaseStory {
  readonly intent: RecordIntent;
  readonly shard: number;
  activatedAt: number | null;
  /** The entry that says revoked, expired or never minted. */
  deadAt: number | null;
  /** Live counters that it holds. */
  counters: ReadonlySet<string>;
}

export interface TaskStory {
  readonly task: Task;
  endedAt: number | null;
  /** When silence would close its gate, after each sign of life. */
  readonly beats: number[];
  /** Leases named by the answer to an end that was not judged yet. */
  answered: ReadonlySet<LeaseId> | null;
}

export interface Journal {
  readonly witness: StoreWitness;
  readonly leases: ReadonlyMap<LeaseId, LeaseStory>;
  readonly tasks: ReadonlyMap<TaskId, TaskStory>;
  /** Closed ones, each with the shard that it is closed in. */
  readonly doors: ReadonlySet<string>;
  /** The wall time at which the present broker started, if it is not the first. */
  restartedAt: number | null;
  /** How many entries were read. */
  entriesRead(): number;
  /** Reads what is new and judges it. */
  catchUp(ledger: Ledger): Promise<void>;
  /** The leases that entries read since the last call concern. */
  takeTouched(): readonly LeaseId[];
  /** The task first, up to its root. */
  chainOf(taskId: TaskId): readonly TaskStory[];
  takeText(): string;
}

export interface JournalState {
  readonly intents: Map<LeaseId, RecordIntent>;
  readonly leases: Map<LeaseId, LeaseStory>;
  readonly tasks: Map<TaskId, TaskStory>;
  readonly doors: Set<string>;
  readonly rates: Map<string, number>;
  /** Limits that seem exceeded, where the order of entries of several shards is not known. */
  readonly doubts: Doubt[];
}

export function createJournal(): Journal {
  const state: JournalState = {
    intents: new Map(),
    leases: new Map(),
    tasks: new Map(),
    doors: new Set(),
    rates: new Map(),
    doubts: [],
  };
  const { intents, leases, tasks, doors } = state;
  let revived: Violation | null = null;
  const witness: StoreWitness = {
    intent: (command) => void intents.set(command.lease.id, command),
    beat(task) {
      const story = tasks.get(task.id);
      if (story === undefined || task.heartbeat === null) return;
      const { dueAt, everySeconds } = task.heartbeat;
      const at = dueAt - everySeconds * 1000;
      if (at >= silenceOf(journal, story, at))
        revived ??= new Violation("P2", "a late sign of life revived a task", task);
      story.beats.push(dueAt);
    },
  };
  const touched = new Set<LeaseId>();
  const lastOf = new Map<number, number>();
  let read = 0;
  let readTo: AuditCursor | null = null;
  let text = "";

  function chainOf(taskId: TaskId): readonly TaskStory[] {
    const chain: TaskStory[] = [];
    for (let id: TaskId | null = taskId; id !== null; id = chain.at(-1)?.task.parentId ?? null) {
      const story = tasks.get(id);
      if (story === undefined) throw new Violation("P1", "a task without an entry that opened it", { id });
      chain.push(story);
    }
    return chain;
  }

  const journal: Journal = {
    witness,
    leases,
    tasks,
    doors,
    restartedAt: null,
    entriesRead: () => read,
    chainOf,
    takeTouched() {
      const taken = [...touched];
      touched.clear();
      return taken;
    },
    takeText() {
      const taken = text;
      text = "";
      return taken;
    },
    async catchUp(ledger) {
      if (revived !== null) throw revived;
      for (;;) {
        const page: AuditPage = await ledger.listAudit({ taskId: null, after: readTo, limit: maxPageSize });
        readTo = page.next;
        for (const entry of page.entries) {
          if (entry.sequence <= (lastOf.get(entry.shard) ?? 0))
            throw new Violation("P1", "audit sequences do not grow", entry);
          lastOf.set(entry.shard, entry.sequence);
          read += 1;
          text += JSON.stringify(entry);
          for (const id of leasesOf(entry)) touched.add(id);
          await fold(entry, ledger);
        }
        if (page.entries.length < maxPageSize) return judgeDoubts(state);
      }
    },
  };

  async function fold(entry: AuditEntry, ledger: Ledger): Promise<void> {
    const { type, taskId, leaseId, shard } = entry;
    if (type === "task.opened" && taskId !== null) {
      const view = await ledger.readTask(taskId);
      if (view === undefined) throw new Violation("P1", "an opened task is not in the ledger", entry);
      const { task } = view;
      // The audit is read later than it was written: what is known of its signs of life came first.
      const openedDue = task.heartbeat === null ? [] : [task.openedAt + task.heartbeat.everySeconds * 1000];
      const beats = [...openedDue, ...(tasks.get(taskId)?.beats ?? [])];
      tasks.set(taskId, { task, endedAt: null, beats, answered: null });
    }
    if (type === "task.ended" && taskId !== null) {
      const story = tasks.get(taskId);
      if (story !== undefined) story.endedAt ??= read;
    }
    const { scope } = entry.data;
    if (type === "door.closed" && typeof scope === "string") doors.add(doorIn(shard, scope));
    if (type === "door.opened" && typeof scope === "string") doors.delete(doorIn(shard, scope));
    if (leaseId !== null) foldLease(entry, leaseId);
  }

  function foldLease(entry: AuditEntry, leaseId: LeaseId): void {
    const { type, shard } = entry;
    if (type === "lease.intended") {
      const intent = intents.get(leaseId);
      if (intent === undefined) throw new Violation("P1", "an intent that nobody recorded", entry);
      checkGate(journal, intent, entry);
      const counters = checkIntent(state, intent, entry);
      const blank = { activatedAt: null, deadAt: null };
      leases.set(leaseId, { intent, shard, counters, ...blank });
      return;
    }
    const story = leases.get(leaseId);
    if (story === undefined) throw new Violation("P1", "an entry of a lease without an intent", entry);
    if (type === "lease.activated") {
      if (story.deadAt !== null) throw new Violation("P2", "a dead lease was activated", { entry, story });
      story.activatedAt = read;
      checkGate(journal, story.intent, entry);
    }
    if (type === "lease.revoked" || type === "lease.expired" || type === "lease.mint_failed") {
      story.deadAt = read;
      story.counters = new Set();
    }
  }

  return journal;
}

/** A page of a kill names many in one entry. */
function leasesOf({ leaseId, data }: AuditEntry): readonly LeaseId[] {
  if (leaseId !== null) return [leaseId];
  return Array.isArray(data["leases"]) ? data["leases"].flatMap((id) => parseLeaseId(String(id)) ?? []) : [];
}
