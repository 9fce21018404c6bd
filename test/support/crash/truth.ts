/**
 * What is true after a restart: what the broker says of each lease, as people read it over HTTP, and what the
 * providers say of each token; liveness is asked where the token would be used.
 */
import { createHash } from "node:crypto";
import type { LeaseAnswer, TaskAnswer } from "../../../src/http/schemas/task.ts";
import { patienceMillis } from "./broker-process.ts";
import type { Client } from "./client.ts";
import type { World } from "./world.ts";

export interface Truth {
  /** Every lease of the run. */
  readonly reports: ReadonlyMap<string, LeaseAnswer>;
  /** The tokens that work, and until when the OAuth server would take them; null for the broker's own. */
  readonly living: ReadonlyMap<string, number | null>;
  /** Every token of the run with its lease, undefined where it is recorded for none. */
  readonly leaseOf: ReadonlyMap<string, string | undefined>;
  readonly openTasks: readonly string[];
}

export interface Tokens {
  readonly fromOAuth: readonly string[];
  readonly own: readonly string[];
}

export interface RunFiles {
  readonly data: string;
  readonly tokens: Tokens;
  /** Every task of the run was ended: its end is waited for, as a silent task has a grace after a restart. */
  readonly endsAll?: boolean;
  /** Audit entries up to here are of earlier runs. */
  readonly after?: string;
}

export async function readTruth(world: World, people: Client, run: RunFiles): Promise<Truth> {
  const audit = await people.audit(run.after);
  const taskIds = [...new Set(audit.flatMap(({ type, task_id }) => (type === "task.opened" ? [task_id ?? ""] : [])))];
  const reports = new Map<string, LeaseAnswer>();
  const openTasks: string[] = [];
  for (const taskId of taskIds) {
    const task = await untilQuiet(people, taskId, run.endsAll ?? false);
    if (task.state === "open") openTasks.push(taskId);
    for (const lease of task.leases) reports.set(lease.lease_id, lease);
  }
  const recorded = await world.storeOf(run.data).recordedTokens();
  const leaseOf = new Map<string, string | undefined>();
  const living = new Map<string, number | null>();
  for (const token of run.tokens.fromOAuth) {
    leaseOf.set(token, recorded.get(createHash("sha256").update(token).digest("base64url")));
    const aliveUntil = await world.aliveUntil(token);
    if (aliveUntil !== null) living.set(token, aliveUntil);
  }
  for (const token of run.tokens.own) {
    leaseOf.set(token, leaseNamedIn(token));
    if (await world.acceptsOwn(token)) living.set(token, null);
  }
  return { reports, living, leaseOf, openTasks };
}

/** The `jti` of a token of the broker's own is its lease. */
function leaseNamedIn(token: string): string | undefined {
  const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as { jti?: string };
  return claims.jti;
}

/** Waits until nothing of the task is on its way: each credential lives under an open gate, is dead, or only expires. */
async function untilQuiet(people: Client, taskId: string, mustEnd: boolean): Promise<TaskAnswer> {
  const until = performance.now() + patienceMillis;
  let waitSeconds = 0;
  for (;;) {
    const { body: task } = await people.readTask(taskId, waitSeconds);
    const restless = task.leases.filter(({ state, verdict }) => state === "intended" || verdict === "pending");
    // A closed door ends no task; everything else that closes a gate does.
    const isEnding = task.gate !== "door_closed" && (task.state === "closed" || (mustEnd && task.state === "open"));
    if (restless.length === 0 && !isEnding) return task;
    if (performance.now() > until)
      throw new Error(`${taskId} is ${task.state} and stays restless: ${JSON.stringify(restless)}`);
    // One second bounds what a change between two reads can cost.
    waitSeconds = 1;
  }
}
