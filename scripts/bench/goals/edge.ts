/** G9e: what one Durable Object carries, and more of them, against the embedded engine in the same rounds. */
import type { Context } from "../context.ts";
import { createClosedLoops } from "../closed-loop.ts";
import { generateKeyPair, type KeyPair } from "../es256.ts";
import type { Finding, Figure, Measured } from "../finding.ts";
import type { Actor } from "../stage.ts";
import { ratiosOf, rotated, spreadOf } from "../statistics.ts";
import { brokerIssuer, endTasks, openTasks, writePolicy } from "../world.ts";

const names = ["sqlite", "1 object", "2 objects", "4 objects", "8 objects"] as const;
type Name = (typeof names)[number];
type Rates = Readonly<Record<Name, number[]>>;

const noRates = (): Rates => ({ sqlite: [], "1 object": [], "2 objects": [], "4 objects": [], "8 objects": [] });

export async function measureEdge(context: Context): Promise<Measured> {
  const { stage } = context;
  context.say("edge: warming up");
  const key = generateKeyPair("bench");
  const load = await stage.start("load.ts", "client");
  const loops = createClosedLoops(load);
  const urls = new Map<Name, string>();
  const actors: Actor[] = [];
  // A quick run leaves out the growth.
  const measured = names.filter((name) => !context.options.quick || ["sqlite", "1 object"].includes(name));
  for (const name of measured) {
    const actor = await stage.start(name === "sqlite" ? "broker.ts" : "edge.ts", "server");
    const folder = stage.folder();
    const wish = { policyDir: writePolicy(folder, key), dataDir: folder, issuer: brokerIssuer };
    urls.set(name, await actor.ask<string>("start", { ...wish, shards: Number.parseInt(name, 10) }));
    actors.push(actor);
  }
  const [issues, kills] = [noRates(), noRates()];
  const play = async (name: Name, seconds: number): Promise<readonly [number, number]> =>
    issueAndKill({ name, url: urls.get(name) ?? "", key, load, loops, seconds });
  for (const name of measured) await play(name, 1);
  for (const round of context.rounds("edge", 5, 1)) {
    for (const name of rotated(measured, round)) {
      const [issued, killed] = await play(name, context.size(2, 1));
      issues[name].push(issued);
      kills[name].push(killed);
    }
  }
  for (const actor of actors.slice(1)) await actor.ask("close");
  await Promise.all([load, ...actors].map((actor) => actor.stop()));
  return resultOf(issues, kills, measured);
}

/** New tasks, as many credentials of theirs as the time allows, and the end of all: issues, then ends and kills, a second. */
async function issueAndKill(parts: {
  readonly name: Name;
  readonly url: string;
  readonly key: KeyPair;
  readonly load: Actor;
  readonly loops: ReturnType<typeof createClosedLoops>;
  readonly seconds: number;
}): Promise<readonly [number, number]> {
  const { name, url, key, load, loops, seconds } = parts;
  const tasks = await openTasks(url, key);
  await load.ask("add", { name, url: `${url}/token`, recipe: { kind: "exchange", key, tasks, fresh: true } });
  await loops.prepare(name, seconds);
  const { answered, perSecond } = await loops.run(name, seconds);
  const startedAt = performance.now();
  await endTasks(url, key, tasks);
  return [perSecond, ((tasks.length + answered) * 1000) / (performance.now() - startedAt)];
}

function resultOf(issues: Rates, kills: Rates, measured: readonly Name[]): Measured {
  const compare = (what: string, rates: Rates, atLeast: number): Finding => ({
    goal: "G9e",
    what: `${what} of one object`,
    against: "on SQLite",
    unit: "x",
    value: ratiosOf(rates["1 object"], rates.sqlite),
    bound: { atLeast },
  });
  const figures = (what: string, rates: Rates): readonly Figure[] =>
    measured.map((name) => ({ name: `${what}, ${name}`, unit: "/s", value: spreadOf(rates[name]) }));
  const growth = (what: string, rates: Rates): readonly Figure[] =>
    measured.slice(2).map((name) => ({
      name: `${what}, ${name} / 1 object`,
      unit: "x",
      value: ratiosOf(rates[name], rates["1 object"]),
    }));
  return {
    findings: [compare("issues", issues, 0.25), compare("ends and kills", kills, 0.1)],
    figures: [
      ...figures("issues at the edge", issues),
      ...growth("issues at the edge", issues),
      ...figures("ends and kills at the edge", kills),
      ...growth("ends and kills at the edge", kills),
    ],
    notes: [
      "G9e: issues as in G1, cold, through the Worker. Then 500 tasks are ended with all that was issued to them; tasks and leases count.",
      "All objects share one thread and one disk here, and each syncs for itself: what waits together in one object is synced once. The growth says what it costs to share a ledger, not what more machines add.",
    ],
  };
}
