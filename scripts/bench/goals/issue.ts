/**
 * G1 to G4: how many credentials a second, cold (a new attestation each) and warm (500 agents with theirs), against
 * the speed of light, against the peer, and against the same broker with its ledger in memory.
 */
import { createClosedLoops } from "../closed-loop.ts";
import type { Context } from "../context.ts";
import { generateKeyPair, type KeyPair } from "../es256.ts";
import type { Figure, Finding, Measured } from "../finding.ts";
import type { Recipe } from "../load-recipe.ts";
import { memoryFolder, type Actor } from "../stage.ts";
import { ratiosOf, rotated, spreadOf } from "../statistics.ts";
import { startBroker, writePolicy } from "../world.ts";

const peer = { clientId: "mayfly", resource: "https://reports.example", scope: "report:read" };

type Name = "cold" | "warm" | "undurable" | "bare-cold" | "bare-warm" | "peer";
type Rates = Readonly<Record<Name, readonly number[]>>;
/** Microseconds of CPU that one answer took: moves less than a rate when other programs are busy. */
interface Rounds {
  readonly rates: Rates;
  readonly cpuMicros: Rates;
}
interface Contender {
  readonly name: Name;
  readonly url: string;
  readonly recipe: Recipe;
  readonly actor: Actor;
}

export async function measureIssue(context: Context): Promise<Measured> {
  const load = await context.stage.start("load.ts", "client");
  const { contenders, actors } = await startContenders(context);
  for (const { name, url, recipe } of contenders) await load.ask("add", { name, url, recipe });
  const { rates, cpuMicros } = await measureRounds(context, load, contenders);
  await Promise.all([load, ...actors].map((actor) => actor.stop()));
  const findings = findingsOf(context, rates);
  const figures: Figure[] = contenders.flatMap(({ name }) => [
    { name: figureNames[name], unit: "/s", value: spreadOf(rates[name]) },
    { name: "  CPU of each", unit: "us", value: spreadOf(cpuMicros[name]) },
  ]);
  return { findings, figures, notes: notesOf(contenders) };
}

const figureNames: Readonly<Record<Name, string>> = {
  cold: "cold issues",
  warm: "warm issues",
  undurable: "cold issues, ledger in memory",
  "bare-cold": "speed of light, cold",
  "bare-warm": "speed of light, warm",
  peer: "oidc-provider, private_key_jwt and ES256 JWT, in memory",
};

/** Only those that a wanted goal compares. */
async function startContenders(context: Context): Promise<{ contenders: Contender[]; actors: Actor[] }> {
  const { stage, wants } = context;
  const key = generateKeyPair("bench");
  const contenders: Contender[] = [];
  const exchange = (fresh: boolean, tasks: readonly string[] = []): Recipe => ({ kind: "exchange", key, tasks, fresh });
  const startBare = async (name: Name, fresh: boolean): Promise<void> => {
    const actor = await stage.start("bare-server.ts", "server");
    const options = { dir: stage.folder(), publicJwk: key.publicJwk, remembers: !fresh };
    contenders.push({ name, url: await actor.ask<string>("start", options), recipe: exchange(fresh), actor });
  };
  const broker = await startBrokerIn(context, stage.folder(), key);
  const { tokenUrl: url, tasks, actor } = broker;
  if (wants("G1") || wants("G2") || wants("G4"))
    contenders.push({ name: "cold", url, recipe: exchange(true, tasks), actor });
  if (wants("G3")) contenders.push({ name: "warm", url, recipe: exchange(false, tasks), actor });
  if (wants("G1")) await startBare("bare-cold", true);
  if (wants("G3")) await startBare("bare-warm", false);
  if (wants("G2") || wants("G3")) contenders.push(await startPeer(await stage.start("peer-server.ts", "server"), key));
  const inMemory = memoryFolder();
  if (wants("G4") && inMemory !== undefined) {
    const undurable = await startBrokerIn(context, stage.folder(inMemory), key);
    const recipe = exchange(true, undurable.tasks);
    contenders.push({ name: "undurable", url: undurable.tokenUrl, recipe, actor: undurable.actor });
  }
  return { contenders, actors: [...new Set([actor, ...contenders.map((contender) => contender.actor)])] };
}

async function startBrokerIn({ stage }: Context, folder: string, key: KeyPair) {
  const actor = await stage.start("broker.ts", "server");
  const started = await startBroker(actor, { policyDir: writePolicy(folder, key), dataDir: folder, key });
  return { ...started, actor };
}

async function startPeer(actor: Actor, key: KeyPair): Promise<Contender> {
  const wish = { ...peer, publicJwk: key.publicJwk };
  const { issuer, tokenUrl } = await actor.ask<{ issuer: string; tokenUrl: string }>("start", wish);
  return { name: "peer", url: tokenUrl, recipe: { kind: "client-credentials", key, issuer, ...peer }, actor };
}

const noRounds = (): Record<Name, number[]> => ({
  cold: [],
  warm: [],
  undurable: [],
  "bare-cold": [],
  "bare-warm": [],
  peer: [],
});

interface Round {
  readonly answered: number;
  readonly perSecond: number;
  readonly micros: number;
}
type RunRound = (contender: Contender, seconds: number) => Promise<Round>;

/** Answers until the runtime has compiled what it will compile; a busy machine gives up earlier, and says less. */
const warmAnswers = 12_000;

async function warmUp(contender: Contender, run: RunRound, maxSeconds: number): Promise<void> {
  let answered = 0;
  for (let second = 0; second < maxSeconds && answered < warmAnswers; second += 1)
    answered += (await run(contender, 1)).answered;
}

async function measureRounds(context: Context, load: Actor, contenders: readonly Contender[]): Promise<Rounds> {
  const rates = noRounds();
  const cpuMicros = noRounds();
  const loops = createClosedLoops(load);
  const roundSeconds = context.size(2.5, 1);
  const run: RunRound = async ({ name, actor }, seconds) => {
    await loops.prepare(name, seconds);
    const before = await actor.ask<NodeJS.CpuUsage>("usage");
    const { perSecond, answered } = await loops.run(name, seconds);
    const after = await actor.ask<NodeJS.CpuUsage>("usage");
    return { answered, perSecond, micros: (after.user + after.system - before.user - before.system) / answered };
  };
  context.say("issue: warming up");
  for (const contender of contenders) await warmUp(contender, run, context.size(5, 1));
  for (const round of context.rounds("issue", 5, 2)) {
    for (const contender of rotated(contenders, round)) {
      const { perSecond, micros } = await run(contender, roundSeconds);
      rates[contender.name].push(perSecond);
      cpuMicros[contender.name].push(micros);
    }
  }
  return { rates, cpuMicros };
}

function findingsOf({ wants }: Context, rates: Rates): readonly Finding[] {
  const compare = (
    goal: Finding["goal"],
    what: Name,
    against: Name,
    texts: readonly [string, string],
    atLeast: number,
  ) =>
    wants(goal) && rates[what].length > 0 && rates[against].length > 0
      ? [
          {
            goal,
            what: texts[0],
            against: texts[1],
            unit: "x",
            value: ratiosOf(rates[what], rates[against]),
            bound: { atLeast },
          } as const,
        ]
      : [];
  return [
    ...compare("G1", "cold", "bare-cold", ["cold issue", "speed of light"], 0.8),
    ...compare("G2", "cold", "peer", ["cold issue", "oidc-provider in memory"], 3.5),
    ...compare("G3", "warm", "bare-warm", ["warm issue", "warm speed of light"], 0.75),
    ...compare("G3", "warm", "peer", ["warm issue", "oidc-provider in memory"], 8),
    ...compare("G4", "cold", "undurable", ["durable issue", "ledger file in memory"], 0.9),
  ];
}

function notesOf(contenders: readonly Contender[]): readonly string[] {
  const has = (name: Name): boolean => contenders.some((contender) => contender.name === name);
  const notes = [
    "Issue: POST /token through the real server with policy, condition, two limits, durable intent and lease, ES256 token; 64 connections.",
  ];
  if (has("bare-cold") || has("bare-warm"))
    notes.push(
      "Speed of light: a bare node:http server that verifies, signs and appends two rows to a plain log in a group commit; no policy, states, limits or audit.",
    );
  notes.push(
    has("undurable")
      ? "G4: the other side is the same broker with its SQLite file on a memory file system, where a sync costs nothing."
      : "G4: there is no memory file system /dev/shm, or the goal was not asked for; durable against undurable was not compared.",
  );
  return notes;
}
