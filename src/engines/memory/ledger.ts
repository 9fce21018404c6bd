/**
 * The model of the ledger: every verb of the port over plain Maps, each in one synchronous step. The oracle of the
 * conformance kit and of the simulator, never an engine for users: nothing outlives the process.
 */
import { auditCursor } from "../../domain/audit-cursor.ts";
import type { AuditDraft, Cause } from "../../domain/audit-entry.ts";
import { downtimeAtStart } from "../../domain/gate.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Answer, Ledger } from "../../ports/ledger.ts";
import { createAuditReader } from "./audit-log.ts";
import { claimDue, recordVerdict, releaseClaim } from "./claims.ts";
import { listDenied, reopenLease } from "./denials.ts";
import { closeDoor, listDoors, loadPolicy, openDoor } from "./doors.ts";
import { recordIntent } from "./issuing.ts";
import { releaseLock, takeLock } from "./locks.ts";
import { completeMint, failMint, makeDue } from "./minting.ts";
import { ok, record, type Model } from "./model.ts";
import { listActive, listProviderNotes, noteProvider } from "./provider-notes.ts";
import { purge } from "./purge.ts";
import * as reading from "./reading.ts";
import { createRunner } from "./runner.ts";
import type { MemoryState } from "./state.ts";
import { closeOverdueTasks, dueWork, expandKillOrders } from "./sweep.ts";
import { listTargets, setTarget } from "./targets.ts";
import { endTask, heartbeat, openTask } from "./tasks.ts";
import { createLedgerTime } from "./time.ts";

/** Works on `state` itself: who keeps it can reopen it after `close`. */
export function openMemoryLedger(options: { clock: Clock; state: MemoryState }): Ledger {
  const { state } = options;
  const time = createLedgerTime(options.clock, state);
  state.downtime = downtimeAtStart(state.downtime, state.lastChangeAt, time.now());
  const model: Model = { state, time };
  const { verb, read, onDue, isStopped, stop } = createRunner(model);

  return {
    openTask: verb(openTask),
    heartbeat: verb(heartbeat),
    endTask: verb(endTask),
    closeDoor: verb(closeDoor),
    openDoor: verb(openDoor),
    loadPolicy: verb(loadPolicy),
    recordIntent: verb(recordIntent),
    completeMint: verb(completeMint),
    failMint: verb(failMint),
    makeDue: verb(makeDue),
    reopenLease: verb(reopenLease),
    closeOverdueTasks: verb(closeOverdueTasks),
    expandKillOrders: verb(expandKillOrders),
    dueWork: read(dueWork),
    claimDue: verb(claimDue),
    recordVerdict: verb(recordVerdict),
    releaseClaim: verb(releaseClaim),
    setTarget: verb(setTarget),
    takeLock: verb(takeLock),
    releaseLock: verb(releaseLock),
    purge: verb(purge),
    readTask: read(reading.readTask),
    readLease: read(reading.readLease),
    findLease: read(reading.findLease),
    listLeases: read(reading.listLeases),
    summarize: read(reading.summarize),
    blastRadius: read(reading.blastRadius),
    listStuck: read(reading.listStuck),
    listDenied: read(listDenied),
    listActive: read(listActive),
    listTargets: read(listTargets),
    listDoors: read(listDoors),
    listAudit: createAuditReader(state.audit),
    auditHead: async () => auditCursor([state.audit.length]),
    sealedKeyIds: read(reading.sealedKeyIds),
    appendAudit: verb(appendAudit),
    noteProvider: verb(noteProvider),
    listProviderNotes: read(listProviderNotes),
    mark: async () => "oracle0000",
    health: async () => reading.health(model, isStopped()),
    acceptClock: verb(acceptClock),
    onDue,
    close: stop,
  };
}

const appendAudit = (model: Model, draft: AuditDraft): Answer<void, never> =>
  ok(undefined, record(model, draft, model.time.now()));

function acceptClock(model: Model, cause: Cause): Answer<void, never> {
  model.time.accept();
  const draft = { type: "clock.accepted", taskId: null, leaseId: null, cause, data: {} } as const;
  return ok(undefined, record(model, draft, model.time.now()));
}
