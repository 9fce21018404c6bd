/** Agents, orchestrators and operators: each step of a plan turned into calls on the present broker. Calls are not awaited. */
import type { DoorScope, KillScope } from "../../../src/domain/scope.ts";
import { Redacted } from "../../../src/kernel/redacted.ts";
import { seconds } from "../../../src/kernel/time.ts";
import { unreachable } from "../../../src/kernel/unreachable.ts";
import { targetName } from "../../../src/domain/names.ts";
import type { IssueAnswer } from "../../../src/broker/issue/request.ts";
import type { Caller } from "../../../src/broker/parts.ts";
import { agentName, issuerName, providerName, templateName } from "../builders.ts";
import { checkDelivery } from "./check-delivery.ts";
import { checkReport } from "./check-report.ts";
import type { SimNode } from "./node.ts";
import { agents, attestationOf, type AgentText } from "./people.ts";
import type { Exchange, KillTarget, Step } from "./steps.ts";
import type { OpenedTask, SentExchange, World } from "./world.ts";

/** Runs what an actor does in the background; a broken promise that it sees is kept for the end of the step. */
function act(world: World, work: (node: SimNode) => Promise<void>): void {
  work(world.node()).catch((error: unknown) => {
    world.broken ??= error;
  });
}

const at = <T>(list: readonly T[], index: number): T | undefined =>
  list.length === 0 ? undefined : list[index % list.length];

async function callerOf(node: SimNode, subject: string): Promise<Caller> {
  const requestId = node.broker.newRequestId();
  const caller = await node.broker.identify({ attestation: attestationOf(subject, null), requestId });
  if (!caller.ok) throw new Error(`the simulation's own ${subject} is not known`);
  return caller.value;
}

const isReusable = (agent: string): boolean => agents[agent as AgentText] === "cluster";

/** Faults leave the broker: the canary is looked for in them. */
const hear = (world: World, answer: { readonly ok: boolean }): void => {
  if (!answer.ok) world.spoken.push(JSON.stringify(answer));
};

export function openTask(world: World, step: Extract<Step, { do: "open" }>): void {
  act(world, async (node) => {
    const parent = step.parent === null ? undefined : pickTask(world, step.parent);
    const agent = parent?.agent ?? agentName(step.agent);
    const kinds = parent === undefined ? step.kinds : parent.kinds;
    const opener = parent !== undefined && step.byAgent && isReusable(agent) ? agent : "conductor";
    const result = await node.broker.openTask(await callerOf(node, opener), {
      agent,
      templates: kinds.map((kind) => ({ template: templateName(kind), parameters: {} })),
      deadlineSeconds: seconds(step.deadlineSeconds),
      heartbeatSeconds: step.heartbeatSeconds === null ? null : seconds(step.heartbeatSeconds),
      heartbeatFrom: "both",
      parentTaskId: parent?.id ?? null,
      purpose: null,
      ticket: null,
      context: {},
    });
    hear(world, result);
    if (result.ok && node.owner.alive) world.opened.push({ id: result.value.id, agent, opener, kinds });
  });
}

/** Mostly a task that may still be open; now and then any. */
const pickTask = (world: World, index: number): OpenedTask | undefined => {
  const open = world.opened.filter(({ id }) => (world.journal.tasks.get(id)?.endedAt ?? null) === null);
  return at(index % 8 === 7 || open.length === 0 ? world.opened : open, index);
};

export function exchange(world: World, step: Exchange): void {
  const task = step.task === null ? null : (pickTask(world, step.task) ?? null);
  const replaces = task === null || step.replaces === null ? undefined : replaceable(world, task, step.replaces);
  const sent = { step, task, replaces: replaces ?? null };
  world.sent.unshift(sent);
  send(world, sent);
}

export function repeat(world: World, index: number): void {
  const sent = at(world.sent.slice(0, 4), index);
  if (sent !== undefined) send(world, sent);
}

function send(world: World, { step, task, replaces }: SentExchange): void {
  const agent = task?.agent ?? agentName(step.agent);
  const kind = (task === null ? undefined : at(task.kinds, step.token + step.kind.length)) ?? step.kind;
  const key = step.key === null ? null : `key-${step.key}`;
  act(world, async (node) => {
    const requestId = node.broker.newRequestId();
    const sentError = world.time.wallError();
    const result = await node.broker.issue({
      requestId,
      attestation: attestationOf(
        agent,
        isReusable(agent) ? null : { token: step.token, physical: world.time.physical() },
      ),
      template: templateName(kind),
      taskId: task?.id ?? null,
      parameters: {},
      requestedTtlSeconds: step.ttlSeconds === null ? null : seconds(step.ttlSeconds),
      replaces,
      idempotencyKey: key,
      clientId: null,
      audience: null,
      resource: null,
      requestedTokenType: null,
    });
    hear(world, result);
    if (!result.ok || !node.owner.alive) return;
    if (step.gone) return node.broker.undelivered(result.value.lease.id, requestId);
    receive(world, result.value, { agent, key, asked: task, sentError });
  });
}

const replaceable = (world: World, task: OpenedTask, index: number) =>
  at(
    world.deliveries.filter((delivery) => delivery.taskId === task.id),
    index,
  )?.leaseId;

function receive(
  world: World,
  answer: IssueAnswer,
  request: { agent: string; key: string | null; asked: OpenedTask | null; sentError: number },
): void {
  const { credential, lease, task, expiresInSeconds } = answer;
  if (credential.kind !== "bearer") throw new Error("the simulation has bearer credentials only");
  const delivery = {
    leaseId: lease.id,
    taskId: task.id,
    kind: lease.provider as Exchange["kind"],
    agent: request.agent,
    value: credential.value,
    // A key belongs to the agent and the task that was named, if one was.
    key: request.key === null ? null : `${request.agent} ${request.asked?.id ?? "auto"} ${request.key}`,
    expiresInSeconds,
    steppedMillis: Math.abs(world.time.wallError() - request.sentError),
    at: world.time.physical(),
  };
  checkDelivery(world, delivery);
  world.deliveries.push(delivery);
  if (world.cloud.accepts(credential.value.reveal())) world.counts.used += 1;
}

/** `exactly` is that task of all that were opened. */
export function endTask(world: World, index: number, waitSeconds: number, which: "exactly" | "any"): void {
  const task = which === "exactly" ? world.opened[index] : pickTask(world, index);
  if (task === undefined) return;
  act(world, async (node) => {
    const caller = await callerOf(node, index % 2 === 0 || !isReusable(task.agent) ? task.opener : task.agent);
    const request = { taskId: task.id, outcome: "completed", reason: null, wait: waitOf(waitSeconds) } as const;
    const result = await node.broker.endTask(caller, request);
    hear(world, result);
    if (!result.ok || !node.owner.alive) return;
    checkReport(world, result.value, "end");
  });
}

export function readTask(world: World, index: number): void {
  const task = pickTask(world, index);
  if (task === undefined) return;
  act(world, async (node) => {
    const request = { taskId: task.id, after: null, wait: null };
    const result = await node.broker.readTask(await callerOf(node, task.opener), request);
    hear(world, result);
    if (result.ok && node.owner.alive) checkReport(world, result.value, "read");
  });
}

export function heartbeat(world: World, index: number): void {
  const task = pickTask(world, index);
  if (task === undefined) return;
  act(world, async (node) => hear(world, await node.broker.heartbeat(await callerOf(node, task.opener), task.id)));
}

export function kill(world: World, target: KillTarget, index: number): void {
  const scope = scopeOf(world, target, index);
  if (scope === undefined) return;
  act(world, async (node) =>
    hear(world, await node.broker.kill(await callerOf(node, "ada"), { scope, reason: "simulated" })),
  );
}

function scopeOf(world: World, target: KillTarget, index: number): KillScope | undefined {
  const delivery = at(world.deliveries, index);
  const task = at(world.opened, index);
  switch (target) {
    case "all":
      return { kind: "all" };
    case "task":
      return task && { kind: "task", id: task.id };
    case "agent":
      return task && { kind: "agent", name: task.agent };
    case "issuer":
      return { kind: "issuer", name: issuerName(index % 4 === 0 ? "pipeline" : "cluster") };
    case "template":
      return delivery && { kind: "template", name: templateName(delivery.kind) };
    case "provider":
      return delivery && { kind: "provider", name: providerName(delivery.kind) };
    default:
      return unreachable(target);
  }
}

export function reopen(world: World, index: number): void {
  act(world, async (node) => {
    const caller = await callerOf(node, "ada");
    const doors = await node.broker.listDoors(caller);
    const scope: DoorScope | undefined = doors.ok ? at(doors.value, index)?.scope : undefined;
    if (scope !== undefined) hear(world, await node.broker.openDoor(caller, scope));
  });
}

export function giveBack(world: World, how: "deleteLease" | "revokeToken", index: number): void {
  const delivery = at(world.deliveries, index);
  if (delivery === undefined) return;
  act(world, async (node) => {
    if (how === "revokeToken") {
      const token = new Redacted(delivery.value.reveal(), "token");
      hear(world, await node.broker.revokeToken({ token, requestId: node.broker.newRequestId() }));
      return;
    }
    const caller = await callerOf(node, isReusable(delivery.agent) ? delivery.agent : "ada");
    hear(world, await node.broker.deleteLease(caller, delivery.leaseId));
  });
}

export function pause(world: World, kind: Exchange["kind"], paused: boolean): void {
  act(world, async (node) => {
    const target = targetName(providerName(kind));
    hear(world, await node.broker.setTargetPaused(await callerOf(node, "ada"), { target, paused }));
  });
}

/** Whoever accepts a clock looks at it until that is done: it does not step meanwhile. */
export function acceptClock(world: World): void {
  world.isAccepting = true;
  act(world, async (node) => {
    hear(world, await node.broker.acceptClock(await callerOf(node, "ada")));
    world.isAccepting = false;
  });
}

/** Nobody hangs up here; that is the network's part. */
const waitOf = (waitSeconds: number) =>
  waitSeconds === 0 ? null : { seconds: seconds(waitSeconds), signal: new AbortController().signal };
