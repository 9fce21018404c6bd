/** The ledger port over the scripts: which verb runs where. How scripts reach a server is the connection's business. */
import type { Ledger } from "../../ports/ledger.ts";
import type { Log } from "../../ports/log.ts";
import { createAgenda } from "./across-shards/agenda.ts";
import { orUnknown } from "./answers.ts";
import { createIssuing } from "./issuing.ts";
import type { ShardCalls } from "./shard-calls.ts";
import { appendAudit } from "./verbs/append-audit.ts";
import { auditHead, listAudit } from "./verbs/audit.ts";
import { createClaims, releaseClaim } from "./verbs/claims.ts";
import { blastRadius, summarize } from "./verbs/counts.ts";
import { listDenied, reopenLease } from "./verbs/denials.ts";
import { mark, releaseLock, takeLock } from "./verbs/locks.ts";
import { closeDoor, openDoor } from "./verbs/doors.ts";
import { dueWork } from "./verbs/due-work.ts";
import { recordIntent } from "./verbs/intent.ts";
import { findLease, makeDue, readLease } from "./verbs/leases.ts";
import { completeMint, failMint } from "./verbs/mints.ts";
import { listDoors, listLeases, listStuck, sealedKeyIds } from "./verbs/lists.ts";
import { loadPolicy } from "./verbs/policy.ts";
import { listActive, listProviderNotes, noteProvider } from "./verbs/provider-notes.ts";
import { purge } from "./verbs/purge.ts";
import { readTask } from "./verbs/reads.ts";
import { acceptClock, health } from "./verbs/store.ts";
import { closeOverdueTasks, expandKillOrders } from "./verbs/sweep.ts";
import { listTargets, setTarget } from "./verbs/targets.ts";
import { beat, endTask, openTask } from "./verbs/tasks.ts";
import { createVerdicts } from "./verbs/verdicts.ts";

export function createRedisLedger(parts: { calls: ShardCalls; log: Log; close: () => Promise<void> }): Ledger {
  const { calls, log, close } = parts;
  const issuing = createIssuing(calls, log);
  const { turns, reservations } = issuing;
  const agenda = createAgenda(calls);
  const claimDue = createClaims({ calls, agenda });
  const recordVerdict = createVerdicts(calls);
  return {
    openTask: (command) =>
      orUnknown(log, "openTask", () => turns.run(command.task.id, () => openTask(issuing, command))),
    heartbeat: (command) => orUnknown(log, "heartbeat", () => beat(calls, command)),
    endTask: (command) => orUnknown(log, "endTask", () => endTask(calls, command)),
    closeDoor: (command) => orUnknown(log, "closeDoor", () => closeDoor(calls, command)),
    openDoor: (command) => orUnknown(log, "openDoor", () => openDoor(calls, command)),
    loadPolicy: (command) => orUnknown(log, "loadPolicy", () => loadPolicy(calls, command)),
    recordIntent: (command) =>
      orUnknown(log, "recordIntent", () => turns.run(command.lease.id, () => recordIntent(issuing, command))),
    completeMint: (command) => orUnknown(log, "completeMint", () => completeMint(issuing, command)),
    failMint: (command) => orUnknown(log, "failMint", () => turns.run(command.leaseId, () => failMint(calls, command))),
    makeDue: (command) => orUnknown(log, "makeDue", () => makeDue(calls, command)),
    reopenLease: (command) => orUnknown(log, "reopenLease", () => reopenLease(calls, command)),
    closeOverdueTasks: (limit) =>
      orUnknown(log, "closeOverdueTasks", () => closeOverdueTasks({ calls, agenda }, limit)),
    expandKillOrders: (limit) => orUnknown(log, "expandKillOrders", () => expandKillOrders({ calls, agenda }, limit)),
    dueWork: () => dueWork(agenda),
    claimDue: (command) => orUnknown(log, "claimDue", () => claimDue(command)),
    recordVerdict: (command) => orUnknown(log, "recordVerdict", () => recordVerdict(command)),
    releaseClaim: (command) => orUnknown(log, "releaseClaim", () => releaseClaim(calls, command)),
    setTarget: (command) => orUnknown(log, "setTarget", () => setTarget(calls, command)),
    takeLock: (command) => orUnknown(log, "takeLock", () => takeLock(calls, command)),
    releaseLock: (command) => orUnknown(log, "releaseLock", () => releaseLock(calls, command)),
    purge: (limit) => orUnknown(log, "purge", () => purge({ calls, agenda }, limit)),
    listDenied: (query) => listDenied(calls, query),
    listActive: (query) => listActive(calls, query),
    listTargets: () => listTargets(calls),
    readLease: (leaseId) => readLease(calls, leaseId),
    findLease: (fingerprint) => findLease(calls, fingerprint),
    appendAudit: (draft) => orUnknown(log, "appendAudit", () => appendAudit(calls, draft)),
    readTask: (taskId) => readTask(calls, taskId),
    listLeases: (query) => listLeases(calls, query),
    summarize: (taskId) => summarize(calls, taskId),
    blastRadius: (scope) => blastRadius(calls, scope),
    listStuck: (query) => listStuck(calls, query),
    listDoors: () => listDoors(calls),
    sealedKeyIds: () => sealedKeyIds(calls),
    listAudit: (query) => listAudit(calls, query),
    auditHead: () => auditHead(calls),
    noteProvider: (command) => orUnknown(log, "noteProvider", () => noteProvider(calls, command)),
    listProviderNotes: () => listProviderNotes(calls),
    mark: () => mark(calls),
    health: () => health(calls),
    acceptClock: (cause) => orUnknown(log, "acceptClock", () => acceptClock(calls, cause)),
    onDue: (listener) => calls.onDue(listener),
    async close() {
      await reservations.settled();
      await close();
    },
  };
}
