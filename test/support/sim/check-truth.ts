/**
 * After each step: the ledger against the truth of the systems. P1: what an agent holds is recorded. P3: what lives is
 * going to be killed. P4: what is said to be dead is dead, and stays so.
 */
import { reportLease } from "../../../src/domain/lease-report.ts";
import { isLive, type Lease } from "../../../src/domain/lease.ts";
import { canonicalJson, type JsonObject } from "../../../src/kernel/canonical-json.ts";
import type { LeaseId } from "../../../src/kernel/ids.ts";
import { mintMarginMillis } from "../../../src/kernel/limits.ts";
import type { World } from "./world.ts";
import { Violation } from "./violation.ts";

/** The longest that anything live may wait: a whole life, its grace, and a pause or two. */
const longestWaitMillis = 45 * 60_000;

export interface TruthCheck {
  run(): Promise<void>;
}

export function createTruthCheck(world: World): TruthCheck {
  const { journal, cloud } = world;
  const known = new Map<LeaseId, Lease>();
  const ends = new Map<LeaseId, string>();
  let checkedDeliveries = 0;

  async function look(leaseId: LeaseId): Promise<void> {
    const view = await world.node().real.readLease(leaseId);
    if (view === undefined) throw new Violation("P3", "a recorded lease is gone from the ledger", { leaseId });
    const { lease, gate } = view;
    known.set(leaseId, lease);
    if (isLive(lease.state.kind)) return checkLiving(lease);
    const end = canonicalJson(reportLease(lease, gate.kind, view.lease.createdAt) as unknown as JsonObject);
    if (ends.get(leaseId) !== undefined && ends.get(leaseId) !== end)
      throw new Violation("P4", "a dead lease changed", { before: ends.get(leaseId), after: lease });
    ends.set(leaseId, end);
    if (lease.sealed !== null) throw new Violation("P7", "a dead lease keeps its sealed secret", lease);
  }

  function checkLiving(lease: Lease): void {
    if (ends.has(lease.id)) throw new Violation("P4", "a dead lease lives again", lease);
    const wall = world.time.physical() + world.time.wallError();
    const mark = Math.max(wall, lease.createdAt);
    const dueAt = dueInstant(lease);
    if (dueAt > mark + longestWaitMillis && Math.abs(world.time.wallError()) < 60_000 && !world.everJumped)
      throw new Violation("P3", "a live lease is due in the far future", { lease, dueAt, wall });
  }

  /** What an agent was given is in the ledger, and its activation in the audit. */
  function checkDeliveries(): void {
    for (const { leaseId, taskId } of world.deliveries.slice(checkedDeliveries)) {
      const lease = known.get(leaseId);
      const story = journal.leases.get(leaseId);
      if (lease === undefined || story === undefined)
        throw new Violation("P1", "delivered without a record", { leaseId });
      if (lease.taskId !== taskId) throw new Violation("P1", "delivered for another task than its record", { leaseId });
      if (story.activatedAt === null) throw new Violation("P1", "delivered without an entry", { leaseId });
    }
    checkedDeliveries = world.deliveries.length;
  }

  /** Whatever a system honours is live in the ledger; what the ledger calls dead, no system honours. */
  function checkSystems(): void {
    for (const credential of cloud.all()) {
      if (!cloud.isAlive(credential)) continue;
      const lease = known.get(credential.leaseId);
      if (lease === undefined) throw new Violation("P1", "a credential without a record", credential);
      const { state } = lease;
      if (isLive(state.kind)) continue;
      const said = state.kind === "revoked" ? state.verdict : state.kind;
      if (said === "dead-unverified" && cloud.liedAbout(credential.leaseId)) continue;
      throw new Violation("P4", `the ledger says ${said}, the system honours it`, {
        credential,
        lease,
        now: world.time.physical(),
      });
    }
  }

  /** The report of an end names every credential that got through the gate before it. */
  function checkEnds(): void {
    for (const [taskId, story] of journal.tasks) {
      if (story.answered === null || story.endedAt === null) continue;
      for (const [leaseId, { activatedAt, intent }] of journal.leases) {
        if (activatedAt === null || activatedAt > story.endedAt) continue;
        const isUnder = journal.chainOf(intent.lease.taskId).some((link) => link.task.id === taskId);
        if (isUnder && !story.answered.has(leaseId))
          throw new Violation("P2", "an end's report leaves out a credential that got through before", {
            taskId,
            leaseId,
          });
      }
      story.answered = null;
    }
  }

  return {
    async run() {
      await journal.catchUp(world.node().real);
      const touched = new Set([...journal.takeTouched(), ...cloud.takeChanged()]);
      for (const leaseId of touched) await look(leaseId);
      checkDeliveries();
      checkSystems();
      checkEnds();
    },
  };
}

function dueInstant({ state, mintAbortAt, expiresAt }: Lease): number {
  if (state.kind === "intended") return mintAbortAt + mintMarginMillis;
  if (state.kind === "active") return expiresAt;
  return state.kind === "revoking" || state.kind === "stuck" ? state.dueAt : 0;
}
