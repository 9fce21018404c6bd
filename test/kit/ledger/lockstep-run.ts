/** Turns random steps into verbs on both ledgers. Ids, keys and choices come from the model's side of the pair. */
import type { DoorScope } from "../../../src/domain/scope.ts";
import { homeOfText, type TaskId } from "../../../src/kernel/ids.ts";
import { addMillis, millis, seconds } from "../../../src/kernel/time.ts";
import { unreachable } from "../../../src/kernel/unreachable.ts";
import {
  agentName,
  broker,
  cluster,
  clusterUrl,
  fingerprintOf,
  issuerName,
  ledgerRead,
  operator,
  providerName,
} from "../../support/builders.ts";
import { endOf } from "./bench.ts";
import { runKillStep, runTimeStep, setTarget, sweepBoth, work } from "./lockstep-kill.ts";
import type { IntentStep, Step } from "./lockstep-steps.ts";
import { pick, providerOf, type Run, type StepOf } from "./lockstep-world.ts";

const doors: readonly DoorScope[] = [
  { kind: "all" },
  { kind: "agent", name: agentName("agent-0") },
  { kind: "agent", name: agentName("agent-1") },
  { kind: "issuer", name: cluster },
  { kind: "template", name: ledgerRead },
  { kind: "provider", name: providerName("provider-0") },
];

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
    case "undo":
    case "makeDue":
      return runMintStep(run, step);
    case "claim":
    case "verdict":
    case "release":
      return runKillStep(run, step);
    case "work":
      return work(run, step);
    case "closeDoor":
      return pair.both((ledger) => ledger.closeDoor({ scope: pickDoor(step.door), reason: "drill", cause: operator }));
    case "openDoor": {
      const closed = pick(await pair.model.ledger.listDoors(), step.door);
      const scope = closed?.scope ?? pickDoor(step.door);
      return pair.both((ledger) => ledger.openDoor({ scope, cause: operator }));
    }
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
    case "pass":
    case "jump":
    case "accept":
    case "outage":
      return runTimeStep(pair, step);
    default:
      return unreachable(step);
  }
}

async function runTaskStep(run: Run, step: StepOf<"open" | "reopen" | "beat" | "end">): Promise<unknown> {
  const { pair, build, openings } = run;
  if (step.kind === "open") {
    const parent = step.parentAt === null ? undefined : pick(openings, step.parentAt);
    const { deadlineSeconds, heartbeatSeconds } = step;
    const command = build.openTask({
      agent: agentName(`agent-${step.agent}`),
      parentId: parent?.task.id ?? null,
      deadlineSeconds,
      limits: step.limited ? [{ limit: "openTasks", counter: `agent:agent-${step.agent}:tasks`, max: 2 }] : [],
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
  // As the broker does it: a repeat finds its key where it was stored.
  const home = step.key === null ? undefined : homeOfText(`key-${step.key}`);
  const automaticTask = step.automatic
    ? build.openTask({ id: build.ids.task(home), automatic: true, agent: agentName("agent-0") })
    : null;
  const opening = automaticTask ?? pick(run.openings, step.taskAt);
  if (opening === undefined) return undefined;
  const taskId = opening.task.id;
  const siblings = run.intents.filter(({ lease }) => lease.taskId === taskId);
  const replaced = step.replacesAt === null ? undefined : pick(siblings, step.replacesAt);
  const now = pair.model.clock.now();
  const requestDigest = fingerprintOf(`request-${step.digest}`);
  const command = build.recordIntent(taskId, {
    lease: { agent: opening.task.agent, provider: providerOf(step.target), nativeExpiry: step.expires },
    ttlSeconds: step.ttlSeconds,
    mintTimeoutSeconds: step.mintSeconds,
    automaticTask,
    limits: step.limits.map((limit) => limitOf(limit, taskId)),
    idempotency:
      step.key === null
        ? null
        : { key: fingerprintOf(`key-${step.key}-${step.automatic ? "none" : taskId}`), requestDigest },
    replay:
      step.token === null
        ? null
        : {
            issuerUrl: clusterUrl,
            tokenId: `token-${step.token}`,
            requestDigest,
            expiresAt: addMillis(now, 30 * 24 * 3_600_000),
          },
    replaces: replaced?.lease.id ?? null,
    demandKillPath: step.demandKillPath && (pair.engine.shards ?? 1) === 1,
    capacity: step.capacity,
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
      return { limit: "liveLeasesPerTask", counter: `task:${taskId}`, max: 1 };
    case "agent":
      return { limit: "liveLeasesPerAgent", counter: "agent:agent-0", max: 2 };
    case "all":
      return { limit: "liveLeases", counter: "template:ledger-read", max: 4 };
    case "rate":
      return { limit: "mintsPerMinute", counter: "template:ledger-read", max: 3, perSeconds: seconds(60) };
    default:
      return unreachable(limit);
  }
}

async function runMintStep(
  run: Run,
  step: StepOf<"complete" | "completeAgain" | "fail" | "undo" | "makeDue">,
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
  if (step.kind === "undo")
    return pair.both((ledger) => ledger.reopenLease({ leaseId: lease.id, reason: "undone", cause: broker }));
  if (step.kind === "makeDue") {
    const { killCause, endsBackoff } = step;
    const delay = millis(step.delayMillis);
    return pair.both((ledger) => ledger.makeDue({ leaseId: lease.id, killCause, delay, endsBackoff, cause: operator }));
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
