/** The ledger port over many shards: which verb runs where. With one shard it is that shard, whose limits are all local. */
import type { AuditDraft } from "../../domain/audit-entry.ts";
import type { LeaseId, TaskId } from "../../kernel/ids.ts";
import type { Answer, Ledger } from "../../ports/ledger.ts";
import type { Log } from "../../ports/log.ts";
import { everywhere, orUnknown } from "./across-shards/answers.ts";
import { closeDoor, listDoors, loadPolicy, openDoor } from "./across-shards/doors.ts";
import { createIssuing } from "./across-shards/issuing.ts";
import {
  claimDue,
  closeOverdueTasks,
  dueWork,
  expandKillOrders,
  listTargets,
  purge,
  releaseClaim,
  setTarget,
} from "./across-shards/kill-path.ts";
import {
  auditHead,
  doorRadius,
  findLease,
  health,
  listActive,
  listAudit,
  mergedLeases,
} from "./across-shards/lists.ts";
import { createSettling, type Settling } from "./across-shards/settling.ts";
import { createShards, type Shards } from "./across-shards/shards.ts";
import type { ShardLedger } from "./shard-ledger.ts";

export interface ShardedLedgerOptions {
  /** In their order, which never changes, as many as ever: ids and names tell which one. */
  readonly shards: readonly ShardLedger[];
  readonly log: Log;
  /** Keeps the process until the work is done, where it would end with its request. */
  readonly background?: (work: Promise<void>) => void;
}

export function createShardedLedger({ shards: all, log, background = () => {} }: ShardedLedgerOptions): Ledger {
  const [only] = all;
  if (only === undefined) throw new Error("a ledger without shards");
  if (all.length === 1) return only;
  const shards = createShards(all);
  const settling = createSettling({ shards, log, background });
  const parts = { shards, settling, log };
  return {
    ...issuingVerbs(parts),
    ...wideVerbs(parts),
    ...reads(shards),
    onDue(listener) {
      for (const shard of all) shard.onDue(listener);
    },
    async close() {
      await settling.pending();
      await shards.all((shard) => shard.close());
    },
  };
}

interface Parts {
  readonly shards: Shards;
  readonly settling: Settling;
  readonly log: Log;
}

type OfOneHome =
  | "openTask"
  | "heartbeat"
  | "endTask"
  | "recordIntent"
  | "completeMint"
  | "failMint"
  | "makeDue"
  | "reopenLease"
  | "recordVerdict";

function issuingVerbs(parts: Parts): Pick<Ledger, OfOneHome> {
  const { shards, settling, log } = parts;
  const issuing = createIssuing(parts);
  const atHome = <T, C>(verb: string, id: TaskId | LeaseId, run: (home: ShardLedger) => Promise<Answer<T, C>>) =>
    orUnknown(log, verb, () => run(shards.home(id)));
  /** What dies or ends may give places back. */
  async function ending<T, C>(
    verb: string,
    id: TaskId | LeaseId,
    run: (home: ShardLedger) => Promise<Answer<T, C>>,
  ): Promise<Answer<T, C>> {
    const answered = await atHome(verb, id, run);
    if (answered.kind !== "conflict") settling.soon(shards.ofId(id));
    return answered;
  }
  return {
    openTask: (command) => orUnknown(log, "openTask", () => issuing.openTask(command)),
    heartbeat: (command) => atHome("heartbeat", command.taskId, (home) => home.heartbeat(command)),
    endTask: (command) => ending("endTask", command.taskId, (home) => home.endTask(command)),
    recordIntent: (command) => orUnknown(log, "recordIntent", () => issuing.recordIntent(command)),
    completeMint: (command) => orUnknown(log, "completeMint", () => issuing.completeMint(command)),
    failMint: (command) => ending("failMint", command.leaseId, () => issuing.failMint(command)),
    makeDue: (command) => atHome("makeDue", command.leaseId, (home) => home.makeDue(command)),
    reopenLease: (command) => atHome("reopenLease", command.leaseId, (home) => home.reopenLease(command)),
    recordVerdict: (command) => ending("recordVerdict", command.leaseId, (home) => home.recordVerdict(command)),
  };
}

type Wide =
  | "closeDoor"
  | "openDoor"
  | "loadPolicy"
  | "closeOverdueTasks"
  | "expandKillOrders"
  | "claimDue"
  | "releaseClaim"
  | "setTarget"
  | "takeLock"
  | "releaseLock"
  | "purge"
  | "appendAudit"
  | "noteProvider"
  | "acceptClock";

function wideVerbs({ shards, settling, log }: Parts): Pick<Ledger, Wide> {
  const told = <T, C>(verb: string, run: () => Promise<Answer<T, C>>) => orUnknown(log, verb, run);
  /** Ends of tasks, by their deadline or with their parent, give places back in any shard. */
  async function ending<T>(verb: string, run: () => Promise<Answer<T, never>>): Promise<Answer<T, never>> {
    const answered = await told(verb, run);
    for (let shard = 0; shard < shards.count; shard += 1) settling.soon(shard);
    return answered;
  }
  return {
    closeDoor: (command) => told("closeDoor", () => closeDoor(shards, command)),
    openDoor: (command) => told("openDoor", () => openDoor(shards, command)),
    loadPolicy: (command) => told("loadPolicy", () => loadPolicy(shards, command)),
    closeOverdueTasks: (limit) => ending("closeOverdueTasks", () => closeOverdueTasks(shards, limit)),
    expandKillOrders: (limit) => ending("expandKillOrders", () => expandKillOrders(shards, limit)),
    claimDue: (command) => told("claimDue", () => claimDue(shards, command)),
    releaseClaim: (command) => told("releaseClaim", () => releaseClaim(shards, command)),
    setTarget: (command) => told("setTarget", () => setTarget(shards, command)),
    takeLock: (command) => told("takeLock", () => shards.at(shards.ofText(command.name)).takeLock(command)),
    releaseLock: (command) => told("releaseLock", () => shards.at(shards.ofText(command.name)).releaseLock(command)),
    purge: (limit) => told("purge", () => purge(shards, limit)),
    appendAudit: (draft) => told("appendAudit", () => shards.at(shardOfDraft(shards, draft)).appendAudit(draft)),
    noteProvider: (command) => told("noteProvider", () => shards.at(0).noteProvider(command)),
    acceptClock: (cause) => told("acceptClock", () => everywhere(shards, (shard) => shard.acceptClock(cause), nothing)),
  };
}

const nothing = (): void => undefined;

type Reads =
  | "dueWork"
  | "readTask"
  | "readLease"
  | "findLease"
  | "listLeases"
  | "summarize"
  | "blastRadius"
  | "listStuck"
  | "listDenied"
  | "listActive"
  | "listTargets"
  | "listDoors"
  | "listAudit"
  | "auditHead"
  | "sealedKeyIds"
  | "listProviderNotes"
  | "mark"
  | "health";

const reads = (shards: Shards): Pick<Ledger, Reads> => ({
  dueWork: () => dueWork(shards),
  readTask: (taskId) => shards.home(taskId).readTask(taskId),
  readLease: (leaseId) => shards.home(leaseId).readLease(leaseId),
  findLease: (fingerprint) => findLease(shards, fingerprint),
  listLeases: (query) => shards.home(query.taskId).listLeases(query),
  summarize: (taskId) => shards.home(taskId).summarize(taskId),
  blastRadius: (scope) =>
    scope.kind === "task" ? shards.home(scope.id).blastRadius(scope) : doorRadius(shards, scope),
  listStuck: (query) => mergedLeases(shards, query, (shard, page) => shard.listStuck(page)),
  listDenied: ({ target, ...query }) =>
    mergedLeases(shards, query, (shard, page) => shard.listDenied({ target, ...page })),
  listActive: (query) => listActive(shards, query),
  listTargets: () => listTargets(shards),
  listDoors: () => listDoors(shards),
  listAudit: (query) => listAudit(shards, query),
  auditHead: () => auditHead(shards),
  sealedKeyIds: async () => [...new Set((await shards.all((shard) => shard.sealedKeyIds())).flat())],
  listProviderNotes: () => shards.at(0).listProviderNotes(),
  mark: () => shards.at(0).mark(),
  health: () => health(shards),
});

/** With its task or lease, or with the others of its request: entries of one request stay in order. */
const shardOfDraft = (shards: Shards, { type, taskId, leaseId, cause }: AuditDraft): number => {
  const id = taskId ?? leaseId;
  return id === null ? shards.ofText(cause.requestId ?? type) : shards.ofId(id);
};
