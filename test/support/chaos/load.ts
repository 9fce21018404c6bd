/**
 * People who open tasks, exchange and end over several nodes at once, seeded, until told to stop. What was answered is
 * remembered; what was asked without an answer is asked again by `end`.
 */
import type { Client } from "../crash/client.ts";
import { fromOAuth } from "../crash/policy.ts";
import { seededDraw } from "./draw.ts";

export interface Load {
  readonly tasks: readonly string[];
  /** By the token that an agent really holds. */
  readonly delivered: ReadonlyMap<string, { readonly leaseId: string; readonly taskId: string }>;
  /** Tasks whose end was answered. */
  readonly ended: ReadonlySet<string>;
  /** Resolves when so many more requests were answered with success. */
  more(answers: number): Promise<void>;
  stop(): Promise<void>;
  /** Asks again until a node has taken it. */
  end(taskId: string): Promise<void>;
}

const crew = 6;
const openTasks = 8;
const pauseMillis = 20;
const boundMillis = 60_000;

/** `meet` answers someone who talks to a node that lives, another one each time. */
export function startLoad(meet: () => Client, seed: number): Load {
  const draw = seededDraw(seed);
  const tasks: string[] = [];
  const delivered = new Map<string, { leaseId: string; taskId: string }>();
  const ended = new Set<string>();
  const waiting = new Set<() => void>();
  let answers = 0;
  const order = { isStopped: false };

  async function tryEnd(taskId: string): Promise<boolean> {
    const { status } = await meet().endTask(taskId);
    if (status === 200) ended.add(taskId);
    return status === 200;
  }

  async function ask(): Promise<boolean> {
    const open = tasks.filter((taskId) => !ended.has(taskId));
    const taskId = open[draw(open.length)];
    const dice = draw(100);
    if (taskId === undefined || (open.length < openTasks && dice < 50)) {
      tasks.push(await meet().openTask());
      return true;
    }
    if (dice < 10) return tryEnd(taskId);
    const { status, body } = await meet().exchange({ template: fromOAuth, taskId });
    if (status === 200) delivered.set(body.access_token, { leaseId: body.lease_id, taskId });
    return status === 200;
  }

  async function work(): Promise<void> {
    while (!order.isStopped) {
      const isAnswered = await ask().catch(() => false);
      if (isAnswered) answers += 1;
      else await pause();
      for (const look of waiting) look();
    }
  }

  const atWork = Promise.all(Array.from({ length: crew }, work));
  return {
    tasks,
    delivered,
    ended,
    more(wanted) {
      const goal = answers + wanted;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const timer = setTimeout(() => reject(new Error(`${answers} of ${goal} requests were answered`)), boundMillis);
      const look = (): void => void (answers >= goal && resolve());
      waiting.add(look);
      look();
      return promise.finally(() => {
        clearTimeout(timer);
        waiting.delete(look);
      });
    },
    async stop() {
      order.isStopped = true;
      await atWork;
    },
    async end(taskId) {
      const until = performance.now() + boundMillis;
      while (!ended.has(taskId) && !(await tryEnd(taskId).catch(() => false))) {
        if (performance.now() > until) throw new Error(`no node took the end of ${taskId}`);
        await pause();
      }
    },
  };
}

/** A node that refuses or is gone is not asked again at once. */
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, pauseMillis));
