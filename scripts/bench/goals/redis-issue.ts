/** G9, issuing: the same broker on Redis and on SQLite in the same rounds, and what Redis and its client can do at all. */
import { setTimeout as sleep } from "node:timers/promises";
import { createClosedLoops } from "../closed-loop.ts";
import type { Context } from "../context.ts";
import { generateKeyPair } from "../es256.ts";
import type { Figure, Finding, Measured } from "../finding.ts";
import type { Actor } from "../stage.ts";
import { ratiosOf, rotated, spreadOf } from "../statistics.ts";
import { startBroker, writePolicy } from "../world.ts";

export const fsyncs = ["everysec", "always"] as const;
export type Fsync = (typeof fsyncs)[number];

const names = ["sqlite", "redis everysec", "redis always", "two nodes", "bare everysec", "bare always"] as const;
type Name = (typeof names)[number];
type Rates = Readonly<Record<Name, number[]>>;
/** Answers a second. */
type Run = (seconds: number) => Promise<number>;

interface World {
  readonly contenders: readonly { readonly name: Name; readonly run: Run }[];
  readonly actors: readonly Actor[];
  /** Script calls of one issue. */
  readonly scripts: number;
}

const warmSeconds = 2;

export async function measureRedisIssue(context: Context): Promise<Measured> {
  context.say("issue on Redis: warming up");
  const { contenders, actors, scripts } = await openWorld(context);
  const rates: Rates = {
    sqlite: [],
    "redis everysec": [],
    "redis always": [],
    "two nodes": [],
    "bare everysec": [],
    "bare always": [],
  };
  for (const round of context.rounds("issue on Redis", 3, 1)) {
    for (const { name, run } of rotated(contenders, round)) rates[name].push(await run(context.size(2, 1)));
  }
  await Promise.all(actors.map((actor) => actor.stop()));
  return resultOf(rates, scripts);
}

async function openWorld(context: Context): Promise<World> {
  const { stage } = context;
  const load = await stage.start("load.ts", "client");
  const bare = await stage.start("bare-redis.ts", "server");
  const redis = await stage.start("redis.ts", "client");
  // A second node that shares a ledger works for it all the while, so that one alone has a server of its own.
  const shared = await stage.start("redis.ts", "client");
  const ports = {
    everysec: await redis.ask<number>("start", "everysec"),
    always: await redis.ask<number>("start", "always"),
  };
  const sharedUrl = `redis://127.0.0.1:${await shared.ask<number>("start", "everysec")}`;
  const actors = [load, bare, redis, shared];
  const key = generateKeyPair("bench");
  let tasks: readonly string[] = [];

  async function start(name: string, ledger?: string): Promise<void> {
    const broker = await stage.start("broker.ts", "server");
    actors.push(broker);
    const folder = stage.folder();
    const wish = { policyDir: writePolicy(folder, key), dataDir: folder, key, ...(ledger !== undefined && { ledger }) };
    const started = await startBroker(broker, wish);
    ({ tasks } = started);
    await load.ask("add", { name, url: started.tokenUrl, recipe: { kind: "exchange", key, tasks, fresh: true } });
  }
  const loops = createClosedLoops(load);
  const run =
    (name: string): Run =>
    async (seconds) => {
      await loops.prepare(name, seconds);
      return (await loops.run(name, seconds)).perSecond;
    };
  const url = (fsync: Fsync): string => `redis://127.0.0.1:${ports[fsync]}`;
  await start("sqlite");
  await start("always", url("always"));
  await start("everysec", url("everysec"));
  await start("node 1", sharedUrl);
  await start("node 2", sharedUrl);

  for (const name of ["sqlite", "everysec", "always", "node 1", "node 2"])
    for (let time = 0; time < context.size(2, 1); time += 1) await run(name)(warmSeconds);
  const scripts = await scriptsOfIssue(redis, run("everysec"));
  const runBare =
    (fsync: Fsync): Run =>
    (seconds) =>
      bare.ask<number>("time", { port: ports[fsync], seconds, scripts });
  const runBoth: Run = async (seconds) => {
    const both = ["node 1", "node 2"];
    for (const name of both) await loops.prepare(name, seconds);
    const answers = await Promise.all(both.map((name) => loops.run(name, seconds)));
    return answers.reduce((sum, { perSecond }) => sum + perSecond, 0);
  };
  const contenders = [
    { name: "sqlite", run: run("sqlite") },
    { name: "redis everysec", run: run("everysec") },
    { name: "redis always", run: run("always") },
    { name: "two nodes", run: runBoth },
    { name: "bare everysec", run: runBare("everysec") },
    { name: "bare always", run: runBare("always") },
  ] as const;
  return { contenders, actors, scripts };
}

/** What the nodes ask of Redis all the while is measured first, and does not count. */
async function scriptsOfIssue(redis: Actor, run: Run): Promise<number> {
  const total = (): Promise<number> => redis.ask<number>("scripts", "everysec");
  const from = await total();
  await sleep(warmSeconds * 1000);
  const idle = (await total()) - from;
  const answered = (await run(warmSeconds)) * warmSeconds;
  return Math.max(1, Math.round(((await total()) - from - 2 * idle) / answered));
}

function resultOf(rates: Rates, scripts: number): Measured {
  const compare = (what: Name, against: Name, texts: readonly [string, string], atLeast: number): Finding => ({
    goal: "G9r",
    what: texts[0],
    against: texts[1],
    unit: "x",
    value: ratiosOf(rates[what], rates[against]),
    bound: { atLeast },
  });
  const ratio = (name: string, what: Name, against: Name): Figure => ({
    name,
    unit: "x",
    value: ratiosOf(rates[what], rates[against]),
  });
  const ceiling = `as many bare scripts (${scripts} an issue)`;
  return {
    findings: [
      compare("redis everysec", "sqlite", ["issue on Redis, everysec", "on SQLite"], 0.8),
      compare("redis always", "sqlite", ["issue on Redis, always", "on SQLite"], 0.8),
    ],
    figures: [
      ...names.map((name): Figure => ({ name: `issues, ${name}`, unit: "/s", value: spreadOf(rates[name]) })),
      ratio("two nodes on one core / one node", "two nodes", "redis everysec"),
      ratio("two nodes on one core / SQLite", "two nodes", "sqlite"),
      ratio(`issues, redis everysec / ${ceiling}`, "redis everysec", "bare everysec"),
      ratio(`issues, redis always / ${ceiling}`, "redis always", "bare always"),
    ],
    notes: [
      "G9r, issue: cold, through the real server, as in G1; Redis runs on the clients' core and so takes its part of the load from them. Its ceiling signs, verifies and decides nothing.",
      "Two nodes share one core here: the figure says what sharing a ledger costs, not how it scales.",
    ],
  };
}
