/**
 * The ledger port over the SQL verbs: which verb is a kill and goes first, and which reads run beside the commits.
 * How verbs reach a transaction is the adapter's `submit`.
 */
import type { LeaseId } from "../../kernel/ids.ts";
import type { BlastRadius } from "../../ports/ledger-views.ts";
import type { Answer, Ledger } from "../../ports/ledger.ts";
import { listActive } from "./reads/active-leases.ts";
import { auditHead, listAudit, sealedKeyIds } from "./reads/audit-reads.ts";
import { radiusOfTask, summarize } from "./reads/count-reads.ts";
import { createDoorCount, type DoorCount } from "./reads/door-count.ts";
import { findByFingerprint, listLeases, listStuck, readLease, readTask } from "./reads/lease-reads.ts";
import { listDenied } from "./rows/denial-rows.ts";
import { listDoorRows } from "./rows/door-rows.ts";
import { releaseLock, takeLock } from "./rows/lock-rows.ts";
import { listProviderNotes, noteProvider } from "./rows/provider-rows.ts";
import { readMark } from "./store-row.ts";
import { answer, type Tx, type View } from "./tx.ts";
import { claimDue, recordVerdict, releaseClaim } from "./verbs/claim-verbs.ts";
import { closeDoor, loadPolicy, openDoor } from "./verbs/door-verbs.ts";
import { expandKillOrders } from "./verbs/expand-kill-orders.ts";
import { completeMint, failMint, makeDue } from "./verbs/mint-verbs.ts";
import { openTask } from "./verbs/open-task.ts";
import { purge } from "./verbs/purge.ts";
import { recordIntent } from "./verbs/record-intent.ts";
import { reopenLease } from "./verbs/reopen-lease.ts";
import { setTarget } from "./verbs/set-target.ts";
import { dueWork, listTargets } from "./verbs/sweep-reads.ts";
import { closeOverdueTasks, endTask, heartbeat } from "./verbs/task-verbs.ts";

export interface Submission<T, C> {
  /** Kills and verdicts go ahead of everything else in their commit. */
  readonly isKill: boolean;
  /** Verbs on one lease that are submitted together are committed together. */
  readonly leaseId: LeaseId | null;
  readonly run: (tx: Tx) => Answer<T, C>;
}

export interface SqlLedgerParts {
  submit<T, C>(submission: Submission<T, C>): Promise<Answer<T, C>>;
  /** Throws once the ledger is closed. */
  view(): View;
}

export type SqlLedger = Omit<Ledger, "health" | "onDue" | "close">;

export function createSqlLedger(parts: SqlLedgerParts): SqlLedger {
  const view = (): View => parts.view();
  const first = <T, C>(run: (tx: Tx) => Answer<T, C>) => parts.submit({ isKill: true, leaseId: null, run });
  const inTurn = <T, C>(run: (tx: Tx) => Answer<T, C>) => parts.submit({ isKill: false, leaseId: null, run });
  const onLease = <T, C>(leaseId: LeaseId, run: (tx: Tx) => Answer<T, C>) =>
    parts.submit({ isKill: false, leaseId, run });
  return {
    openTask: (command) => inTurn((tx) => openTask(tx, command)),
    heartbeat: (command) => inTurn((tx) => heartbeat(tx, command)),
    endTask: (command) => first((tx) => endTask(tx, command)),
    closeDoor: (command) => first((tx) => closeDoor(tx, command)),
    openDoor: (command) => inTurn((tx) => openDoor(tx, command)),
    loadPolicy: (command) => first((tx) => loadPolicy(tx, command)),
    recordIntent: (command) => onLease(command.lease.id, (tx) => recordIntent(tx, command)),
    completeMint: (command) => onLease(command.leaseId, (tx) => completeMint(tx, command)),
    failMint: (command) => onLease(command.leaseId, (tx) => failMint(tx, command)),
    makeDue: (command) => first((tx) => makeDue(tx, command)),
    reopenLease: (command) => first((tx) => reopenLease(tx, command)),
    closeOverdueTasks: (limit) => first((tx) => closeOverdueTasks(tx, limit)),
    expandKillOrders: (limit) => first((tx) => expandKillOrders(tx, limit)),
    claimDue: (command) => first((tx) => claimDue(tx, command)),
    recordVerdict: (command) => first((tx) => recordVerdict(tx, command)),
    releaseClaim: (command) => inTurn((tx) => releaseClaim(tx, command)),
    setTarget: (command) => inTurn((tx) => setTarget(tx, command)),
    takeLock: (command) => first((tx) => takeLock(tx, command)),
    releaseLock: (command) => first((tx) => releaseLock(tx, command)),
    purge: (limit) => inTurn((tx) => purge(tx, limit)),
    acceptClock: (cause) =>
      inTurn((tx) => {
        tx.acceptClock();
        return answer(undefined, tx.audit({ type: "clock.accepted", taskId: null, leaseId: null, cause, data: {} }));
      }),
    // A refused request must not eat the room that kills need.
    appendAudit: (draft) =>
      inTurn((tx) =>
        tx.suspended === "disk_full" ? { kind: "unknown", reason: "disk_full" } : answer(undefined, tx.audit(draft)),
      ),
    dueWork: async () => dueWork(view()),
    readTask: async (taskId) => readTask(view(), taskId),
    readLease: async (leaseId) => readLease(view(), leaseId),
    findLease: async (fingerprint) => findByFingerprint(view(), fingerprint),
    listLeases: async (query) => listLeases(view(), query),
    summarize: async (taskId) => summarize(view(), taskId),
    blastRadius: async (scope) =>
      scope.kind === "task" ? radiusOfTask(view(), scope.id) : countDoor(inTurn, createDoorCount(scope)),
    listStuck: async (query) => listStuck(view(), query),
    listDenied: async (query) => listDenied(view(), query),
    listActive: async (query) => listActive(view(), query),
    listTargets: async () => listTargets(view()),
    listDoors: async () => listDoorRows(view()),
    listAudit: async (query) => listAudit(view(), query),
    auditHead: async () => auditHead(view()),
    sealedKeyIds: async () => sealedKeyIds(view()),
    noteProvider: (command) => inTurn((tx) => noteProvider(tx, command)),
    listProviderNotes: async () => listProviderNotes(view()),
    mark: async () => readMark(view().sql),
  };
}

type Submit = (run: (tx: Tx) => Answer<boolean, never>) => Promise<Answer<boolean, never>>;

/** Each page takes its turn among the commits, and writes nothing. */
async function countDoor(submit: Submit, count: DoorCount): Promise<BlastRadius> {
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- each page begins where the one before ended
    const page = await submit((tx) => answer(count.next(tx), tx.sequence()));
    if (page.kind !== "ok") throw new Error("the ledger takes no turns any more");
    if (!page.value) return count.result();
  }
}
