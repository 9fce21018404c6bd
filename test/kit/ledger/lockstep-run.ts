/** Turns random steps into verbs on both ledgers. Ids, keys and choices come from the model's side of the pair. */
import type { Verdict } from "../../../src/domain/verdict.ts";
import { mayExpire } from "../../../src/domain/lease-transition.ts";
import type { Lease } from "../../../src/domain/lease.ts";
import { targetName } from "../../../src/domain/names.ts";
import type { DoorScope } from "../../../src/domain/scope.ts";
import type { LeaseId, TaskId } from "../../../src/kernel/ids.ts";
import { addMillis, epochMillis, millis, seconds, type EpochMillis } from "../../../src/kernel/time.ts";
import { unreachable } from "../../../src/kernel/unreachable.ts";
import type { CompleteMint, OpenTask, RecordIntent } from "../../../src/ports/ledger.ts";
import {
  agentName,
  broker,
  cluster,
  createBuilders,
  fingerprintOf,
  issuerName,
  ledgerRead,
  operator,
  providerName,
  type Builders,
} from "../../support/builders.ts";
import { endOf } from "./bench.ts";
import type { Pair } from "./lockstep-pair.ts";
import type { IntentStep, Step, VerdictChoice } from "./lockstep-steps.ts";

export interface Run {
  readonly pair: Pair;
  readonly build: Builders;
  readonly openings: OpenTask[];
  readonly intents: { readonly command: RecordIntent; readonly lease: Lease }[];
  readonly completions: CompleteMint[];
  readonly claims: { readonly fence: string; readonly leases: readonly LeaseId[]; readonly until: EpochMillis }[];
  /** Every id that was ever asked for, accepted or not. */
  readonly known: { readonly tasks: TaskId[]; readonly leases: LeaseId[] };
}

export function createRun(pair: Pair): Run {
  const build = createBuilders({ clock: pair.model.clock });
  return { pair, build, openings: [], intents: [], completions: [], claims: [], known: { tasks: [], leases: [] } };
}

const doors: readonly DoorScope[] = [
  { kind: "all" },
  { kind: "agent", name: agentName("agent-0") },
  { kind: "agent", name: agentName("agent-1") },
  { kind: "issuer", name: cluster },
  { kind: "template", name: ledgerRead },
  { kind: "provider", name: providerName("provider-0") },
];

const providerOf = (index: number) => providerName(`provider-${index}`);
const targetOf = (index: number) => targetName(providerOf(index));
const pick = <T>(list: readonly T[], index: number): T | undefined => list[index % Math.max(1, list.length)];
const pickDoor = (index: number): DoorScope => pick(doors, index) ?? { kind: "all" };

export async function runStep(run: Run, step: Step): Promise<unknown> {
  const { pair } = run;
  switch (step.kind) {
    case "open":
    case "reopen":
    case "beat":
    case "end":
      return runTaskStep(run, step);
    case "intend":
      return intend(run, step);
    case "intendAgain": {
      const again = pick(run.intents, step.at);
      return again && pair.both((ledger) => ledger.recordIntent(again.command));
    }
    case "complete":
    case "completeAgain":
    case "fail":
    case "makeDue":
      return runMintStep(run, step);
    case "claim":
    case "verdict":
    case "release":
      return runKillStep(run, step);
    case "closeDoor":
      return pair.both((ledger) => ledger.closeDoor({ scope: pickDoor(step.door), reason: "drill", cause: operator }));
    case "openDoor":
      return pair.both((ledger) => ledger.openDoor({ scope: pickDoor(step.door), cause: operator }));
    case "policy": {
      const policy = {
        digest: "d",
        agents: step.agents.map(agentName),
        issuers: [issuerName("other")],
        cause: operator,
      };
      return pair.both((ledger) => ledger.loadPolicy(policy));
    }
    case "closeOverdue":
      return pair.both((ledger) => ledger.closeOverdueTasks(500));
    case "sweep":
      return sweepBoth(pair);
    case "target":
      return setTarget(run, step);
    case "advance":
    case "jump":
    case "accept":
    case "outage":
      return runTimeStep(pair, step);
    default:
      return unreachable(step);
  }
}

async function sweepBoth(pair: Pair): Promise<void> {
  await pair.drainBoth((ledger) => ledger.closeOverdueTasks(100));
  await pair.drainBoth((ledger) => ledger.expandKillOrders(7));
}

type StepOf<K extends Step["kind"]> = Extract<Step, { kind: K }>;

async function runTaskStep(run: Run, step: StepOf<"open" | "reopen" | "beat" | "end">): Promise<unknown> {
  const { pair, build, openings } = run;
  if (step.kind === "open") {
    const parent = step.parentAt === null ? undefined : pick(openings, step.parentAt);
    const { deadlineSeconds, heartbeatSeconds } = step;
    const command = build.openTask({
      agent: agentName(`agent-${step.agent}`),
      parentId: parent?.task.id ?? null,
      deadlineSeconds,
      ...(heartbeatSeconds !== null && { heartbeatSeconds }),
    });
    run.known.tasks.push(command.task.id);
    const answer = await pair.both((ledger) => ledger.openTask(command));
    return answer.kind === "ok" && openings.push(command);
  }
  const opening = pick(openings, step.at);
  if (opening === undefined) return undefined;
  const { id } = opening.task;
  if (step.kind === "reopen") return pair.both((ledger) => ledger.openTask(opening));
  if (step.kind === "beat") return pair.both((ledger) => ledger.heartbeat({ taskId: id, cause: broker }));
  return pair.both((ledger) => ledger.endTask({ ...endOf(id), outcome: step.outcome }));
}

async function intend(run: Run, step: IntentStep): Promise<unknown> {
  const { pair, build } = run;
  const automaticTask = step.automatic ? build.openTask({ automatic: true, agent: agentName("agent-0") }) : null;
  const opening = automaticTask ?? pick(run.openings, step.taskAt);
  if (opening === undefined) return undefined;
  const taskId = opening.task.id;
  const replaced = step.replacesAt === null ? undefined : pick(run.intents, step.replacesAt);
  const now = pair.model.clock.now();
  const requestDigest = fingerprintOf(`request-${step.digest}`);
  const command = build.recordIntent(taskId, {
    lease: { agent: opening.task.agent, provider: providerOf(step.target), nativeExpiry: step.expires },
    ttlSeconds: step.ttlSeconds,
    mintTimeoutSeconds: step.mintSeconds,
    automaticTask,
    limits: step.limits.map((limit) => limitOf(limit, taskId)),
    idempotency: step.key === null ? null : { key: fingerprintOf(`key-${step.key}`), requestDigest },
    replay:
      step.token === null
        ? null
        : {
            issuer: cluster,
            tokenId: `token-${step.token}`,
            requestDigest,
            expiresAt: addMillis(now, 30 * 24 * 3_600_000),
          },
    replaces: replaced?.lease.id ?? null,
    demandKillPath: step.demandKillPath,
  });
  run.known.leases.push(command.lease.id);
  if (automaticTask !== null) run.known.tasks.push(taskId);
  const answer = await pair.both((ledger) => ledger.recordIntent(command));
  if (answer.kind !== "ok") return undefined;
  run.intents.push({ command, lease: answer.value.lease });
  const last = run.intents.length - 1;
  return step.complete && runMintStep(run, { kind: "complete", at: last, reject: false, full: true, alive: true });
}

function limitOf(limit: IntentStep["limits"][number], taskId: TaskId) {
  switch (limit) {
    case "task":
      return { limit: "liveLeasesPerTask", counter: `task:${taskId}`, max: 2 };
    case "agent":
      return { limit: "liveLeasesPerAgent", counter: "agent:agent-0", max: 3 };
    case "all":
      return { limit: "liveLeases", counter: "template:ledger-read", max: 5 };
    case "rate":
      return { limit: "mintsPerMinute", counter: "template:ledger-read", max: 3, perSeconds: seconds(60) };
    default:
      return unreachable(limit);
  }
}

async function runMintStep(
  run: Run,
  step: StepOf<"complete" | "completeAgain" | "fail" | "makeDue">,
): Promise<unknown> {
  const { pair, build } = run;
  if (step.kind === "completeAgain") {
    const again = pick(run.completions, step.at);
    const handle = step.otherData ? { handle: { other: true } } : {};
    return again && pair.both((ledger) => ledger.completeMint({ ...again, ...handle }));
  }
  const intent = pick(run.intents, step.at);
  if (intent === undefined) return undefined;
  const { lease } = intent;
  if (step.kind === "fail")
    return pair.both((ledger) => ledger.failMint({ leaseId: lease.id, reason: "quota", cause: broker }));
  if (step.kind === "makeDue") {
    const delay = millis(step.delayMillis);
    return pair.both((ledger) =>
      ledger.makeDue({ leaseId: lease.id, killCause: step.killCause, delay, cause: operator }),
    );
  }
  const command = build.completeMint(lease, {
    sealed: step.full ? `k1.nonce.${lease.id}` : null,
    fingerprint: step.full ? fingerprintOf(lease.id) : null,
    provenAlive: step.alive,
    rejectAs: step.reject ? "scope_widened" : null,
  });
  run.completions.push(command);
  return pair.both((ledger) => ledger.completeMint(command));
}

async function runKillStep(run: Run, step: StepOf<"claim" | "verdict" | "release">): Promise<unknown> {
  const { pair, claims } = run;
  const { now } = await pair.model.ledger.health();
  if (step.kind === "claim") {
    const fence = `fence-${claims.length}`;
    const command = { target: targetOf(step.target), limit: step.limit, claim: millis(step.claimMillis), fence };
    const answer = await pair.both((ledger) => ledger.claimDue(command));
    const leases = answer.kind === "ok" ? answer.value.map((lease) => lease.id) : [];
    claims.push({ fence, leases, until: addMillis(now, step.claimMillis) });
    return step.twice && leases.length === 1 && pair.both((ledger) => ledger.claimDue(command));
  }
  const claim = pick(claims, step.claimAt);
  if (claim === undefined) return undefined;
  if (step.kind === "release")
    return now < claim.until && pair.both((ledger) => ledger.releaseClaim({ fence: claim.fence }));
  const leaseId = pick(claim.leases, step.leaseAt);
  const lease = leaseId && (await pair.model.ledger.readLease(leaseId))?.lease;
  if (!lease) return undefined;
  const outcome = outcomeOf(step.verdict, lease, now);
  const jitter = step.jitterPercent / 100;
  return pair.both((ledger) => ledger.recordVerdict({ leaseId: lease.id, fence: claim.fence, outcome, jitter }));
}

/** Natural expiry too early would be the caller's bug; the broker asks the provider again instead. */
function outcomeOf(choice: VerdictChoice, lease: Lease, now: EpochMillis): Verdict | { kind: "native_expiry" } {
  switch (choice) {
    case "pending":
      return { kind: "pending", until: addMillis(now, 20_000) };
    case "expires-only":
      return { kind: "expires-only", at: lease.nativeExpiresAt };
    case "retry":
      return { kind: "retry", reason: "timeout" };
    case "refused":
      return { kind: "refused", reason: "denied", fix: "grant" };
    case "native_expiry":
      return mayExpire(lease, now)
        ? { kind: "native_expiry" }
        : { kind: "retry", reason: "timeout", after: millis(60_000) };
    case "dead-verified":
    case "dead-unverified":
    case "already-gone":
      return { kind: choice };
    default:
      return unreachable(choice);
  }
}

async function setTarget({ pair }: Run, step: StepOf<"target">): Promise<void> {
  const { now } = await pair.model.ledger.health();
  const open = { kind: "open", until: epochMillis(now + 20_000), reason: "timeouts" } as const;
  const breaker = step.breaker === "open" ? open : step.breaker === "closed" ? ({ kind: "closed" } as const) : null;
  const command = { target: targetOf(step.target), breaker, paused: step.paused, cause: broker };
  await pair.both((ledger) => ledger.setTarget(command));
  // An engine may reset backoff at once or in a sweep; nobody looks in between.
  await pair.drainBoth((ledger) => ledger.expandKillOrders(100));
}

async function runTimeStep(pair: Pair, step: StepOf<"advance" | "jump" | "accept" | "outage">): Promise<void> {
  if (step.kind === "accept") return void (await pair.both((ledger) => ledger.acceptClock(operator)));
  await pair.note();
  if (step.kind === "jump") {
    await pair.onBoth(({ clock }) => clock.jumpWall(step.millis));
    return pair.note();
  }
  await pair.onBoth(({ clock }) => clock.advance(step.millis));
  if (step.kind === "outage") return pair.onBoth((harness) => harness.restart());
  // Markers end by time or by purge; nobody looks in between.
  if (step.millis > 24 * 3_600_000) await pair.drainBoth((ledger) => ledger.purge(50));
}
