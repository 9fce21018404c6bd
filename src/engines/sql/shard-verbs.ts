/**
 * What a ledger that is one shard of several offers beside the port: to the shards that keep its counters, and to the
 * home of what holds places here. All of it is plain data, so that it travels.
 */
import type { TargetName } from "../../domain/names.ts";
import type { Task } from "../../domain/task.ts";
import { keyOfId, type LeaseId } from "../../kernel/ids.ts";
import type { Millis } from "../../kernel/time.ts";
import type { AuditPage } from "../../ports/ledger-views.ts";
import type { Answer } from "../../ports/ledger.ts";
import type {
  IntentConflict,
  IntentRecorded,
  ListAudit,
  OpenTask,
  OpenTaskConflict,
} from "../../ports/ledger-commands.ts";
import type { SqlLedgerParts } from "./ledger.ts";
import { listAudit } from "./reads/audit-reads.ts";
import { listDue, type DueLease } from "./reads/due-leases.ts";
import { placesToHandOn, stillHeld } from "./reads/place-reads.ts";
import { leaseOfKey } from "./rows/lease-rows.ts";
import { forgetOwed, listOwed, type PlaceBack } from "./rows/owed-rows.ts";
import { taskOfKey } from "./rows/task-rows.ts";
import { answer, type Tx } from "./tx.ts";
import { openTask } from "./verbs/open-task.ts";
import { giveBack, renewPlaces, reserve, type Reserve, type Reserved, type Taken } from "./verbs/place-verbs.ts";
import { recordIntent, type ShardIntent } from "./verbs/record-intent.ts";

export interface ShardVerbs {
  /** Takes what others need here, all of it or nothing. A crash before its intent burns it until its home was asked. */
  reserve(command: Reserve): Promise<Answer<Reserved, never>>;
  /** What was newly taken, once; or places alone, as often as one likes. */
  giveBack(taken: Taken): Promise<Answer<void, never>>;
  renewPlaces(command: { places: readonly PlaceBack[]; hold: Millis }): Promise<Answer<void, never>>;

  // At home
  openShardTask(command: OpenTask): Promise<Answer<{ task: Task; isRepeat: boolean }, OpenTaskConflict>>;
  recordShardIntent(command: ShardIntent): Promise<Answer<IntentRecorded & { isRepeat: boolean }, IntentConflict>>;
  placesToHandOn(leaseId: LeaseId): Promise<readonly string[]>;
  stillHeld(places: readonly PlaceBack[]): Promise<readonly PlaceBack[]>;
  /** What its deaths and ends have to give back elsewhere; to be forgotten once it is paid. */
  listOwed(limit: number): Promise<readonly PlaceBack[]>;
  forgetOwed(paid: readonly PlaceBack[]): Promise<Answer<void, never>>;

  // Lists over several shards
  listDue(query: { target: TargetName; limit: number }): Promise<readonly DueLease[]>;
  /** Also backwards from a sequence, which is left out. */
  listAuditBefore(query: ListAudit & { before: number | null }): Promise<AuditPage>;
}

export function createShardVerbs({ submit, view }: Pick<SqlLedgerParts, "submit" | "view">): ShardVerbs {
  const inTurn = <T, C>(run: (tx: Tx) => Answer<T, C>) => submit({ isKill: false, leaseId: null, run });
  return {
    reserve: (command) => inTurn((tx) => reserve(tx, command)),
    giveBack: (taken) => inTurn((tx) => giveBack(tx, taken)),
    renewPlaces: (command) => inTurn((tx) => renewPlaces(tx, command)),
    openShardTask: (command) =>
      inTurn((tx) => {
        const isRepeat = taskOfKey(tx, keyOfId(command.task.id)) !== undefined;
        const opened = openTask(tx, command);
        return opened.kind === "ok" ? { ...opened, value: { task: opened.value, isRepeat } } : opened;
      }),
    recordShardIntent: (command) =>
      submit({
        isKill: false,
        leaseId: command.lease.id,
        run(tx) {
          const isRepeat = leaseOfKey(tx, keyOfId(command.lease.id)) !== undefined;
          const recorded = recordIntent(tx, command);
          return recorded.kind === "ok" ? { ...recorded, value: { ...recorded.value, isRepeat } } : recorded;
        },
      }),
    placesToHandOn: async (leaseId) => placesToHandOn(view(), leaseId),
    stillHeld: async (places) => stillHeld(view(), places),
    listOwed: async (limit) => listOwed(view(), limit),
    forgetOwed: (paid) =>
      inTurn((tx) => {
        forgetOwed(tx, paid);
        return answer(undefined, tx.sequence());
      }),
    listDue: async (query) => listDue(view(), query),
    listAuditBefore: async (query) => listAudit(view(), query),
  };
}
