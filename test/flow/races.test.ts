/**
 * Many exchanges against the end of their task, over real HTTP: whatever the order in which things arrive, what was
 * delivered is dead, nothing passes the gate after the end, and the report forgets nothing. Seeded: MAYFLY_SEED.
 * On Redis the requests go to three processes in turn: the same must hold whichever of them is asked.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AuditLine, LeaseLine, Sent } from "../support/flow/client.ts";
import { eventually, eventuallyTrue } from "../support/flow/eventually.ts";
import { startNodes, type NodesWorld } from "../support/flow/nodes-world.ts";
import { startFlow, type FlowWorld } from "../support/flow/world.ts";
import { isOnSqlite, ledgerKind } from "../support/ledger-kind.ts";
import { createSeededEntropy } from "../support/seeded-entropy.ts";
import { readRuns, readSeed } from "../support/seed.ts";
import { fraction } from "../../src/kernel/entropy.ts";

const rounds = readRuns("MAYFLY_FLOW_ROUNDS", isOnSqlite ? 50 : 25);
/** Elsewhere all requests go to one broker, of one process or of several objects. */
const isOverNodes = ledgerKind === "redis";
const nodes = readRuns("MAYFLY_FLOW_NODES", 3);
const exchangesPerRound = 30;
const keysPerRound = 5;

let world: FlowWorld | NodesWorld;
beforeAll(async () => {
  world = isOverNodes ? await startNodes(nodes) : await startFlow();
});
afterAll(() => world.close());

function createRandom(seed: number): () => number {
  const entropy = createSeededEntropy(seed);
  return () => fraction(entropy);
}

interface Round {
  readonly task: string;
  readonly answers: readonly (Sent & { key: string | undefined })[];
  readonly ended: Sent;
}

async function play(random: () => number): Promise<Round> {
  const parent = await world.openTask({ agent: "lead-bot" });
  const task = await world.openTask({ parent_task_id: parent });
  const endAfter = Math.floor(random() * exchangesPerRound);
  // At a place among what is sent, or among what is answered.
  const endsOnAnswer = random() < 0.5;
  // By its own end, by its parent's, by an operator: the gate is the same.
  const ending = random();
  const pending: Promise<Sent & { key: string | undefined }>[] = [];
  let answered = 0;
  let ended: Promise<Sent> | undefined;
  const endOnce = (): void => void (ended ??= endBy(ending, parent, task));
  for (let index = 0; index < exchangesPerRound; index += 1) {
    if (!endsOnAnswer && index === endAfter) endOnce();
    const template = random() < 0.5 ? "report" : "ledger-read";
    const key = random() < 0.4 ? `${task}-${Math.floor(random() * keysPerRound)}` : undefined;
    const wish = { task, template: key === undefined ? template : "ledger-read", ...(key !== undefined && { key }) };
    pending.push(
      world.exchange(wish).then((sent) => {
        answered += 1;
        if (answered > endAfter) endOnce();
        return { ...sent, key };
      }),
    );
    // Lets some of the requests on their way, at a place that the seed chooses.
    if (random() < 0.3) await new Promise((resolve) => setImmediate(resolve));
  }
  const answers = await Promise.all(pending);
  if (ended === undefined) throw new Error("the round had no end");
  return { task, answers, ended: await ended };
}

function endBy(choice: number, parent: string, task: string): Promise<Sent> {
  if (choice < 0.6) return world.end(task);
  if (choice < 0.8) return world.end(parent);
  const json = { scope: { kind: "task", id: task }, reason: "drill" };
  return world.operate("POST", "/admin/kill", { as: "killer", json });
}

const untilSettled = (task: string): Promise<readonly LeaseLine[]> =>
  eventually("every credential of the task is settled", async () => {
    const lines = await world.leasesOf(task);
    const isSettled = lines.every(({ state }) => state === "revoked" || state === "mint_failed");
    return isSettled ? lines : undefined;
  });

/** When the gate closed: the end of the task, or of the one above it. */
const endSequence = (entries: readonly AuditLine[], above: readonly AuditLine[]): number =>
  Math.min(...[...entries, ...above].filter(({ type }) => type === "task.ended").map(({ sequence }) => sequence));

const allowedRefusals = ["task_ended", "request_in_flight", "already_delivered"];

describe(`${rounds} rounds of ${exchangesPerRound} exchanges against an end`, () => {
  it("nothing outlives its task, and no key mints twice", { timeout: 90_000 }, async () => {
    const seed = readSeed();
    const seen = { delivered: 0, refused: 0, duplicates: 0, closed: 0 };
    for (let round = 0; round < rounds; round += 1) {
      const context = `seed ${seed}, round ${round}`;
      const { task, answers, ended } = await play(createRandom(seed + round));
      expect(ended.status).toBe(200);
      const lines = await untilSettled(task);
      const entries = await world.audit(task);
      const parent = (await world.send("GET", `/tasks/${task}`, { as: "bot" })).text.match(/"parent_task_id":"(\w+)"/);
      const end = endSequence(entries, await world.audit(parent?.[1]));

      const delivered = answers.filter(({ status }) => status === 200);
      const reported = new Set(lines.map(({ lease_id }) => lease_id));
      for (const { body } of delivered) {
        expect({ context, alive: await world.isUsable(body.access_token ?? "") }).toEqual({ context, alive: false });
        expect({ context, reported: reported.has(body.lease_id ?? "") }).toEqual({ context, reported: true });
      }
      for (const { status, body } of answers.filter(({ status: other }) => other !== 200)) {
        expect([context, [400, 503].includes(status), allowedRefusals.includes(body.reason ?? "")]).toEqual([
          context,
          true,
          true,
        ]);
      }

      const activated = entries.filter(({ type }) => type === "lease.activated");
      expect(activated.filter(({ sequence }) => sequence > end).map(({ lease_id }) => [context, lease_id])).toEqual([]);
      const intended = entries.filter(({ type }) => type === "lease.intended");
      expect(new Set(intended.map(({ lease_id }) => lease_id))).toEqual(reported);
      // A delivery is an activation; an activation that was not delivered would be a credential that nobody asked for.
      expect(new Set(delivered.map(({ body }) => body.lease_id))).toEqual(
        new Set(activated.map(({ lease_id }) => lease_id)),
      );

      const keys = new Set(answers.flatMap(({ key }) => key ?? []));
      for (const key of keys) {
        const ofKey = answers.filter((answer) => answer.key === key);
        const winners = ofKey.filter(({ status }) => status === 200);
        expect([context, winners.length <= 1]).toEqual([context, true]);
        seen.duplicates += ofKey.length - winners.length;
      }
      const withoutKey = answers.filter(({ key }) => key === undefined).length;
      expect(intended.length).toBeLessThanOrEqual(withoutKey + keys.size);
      seen.delivered += delivered.length;
      seen.refused += answers.length - delivered.length;
      seen.closed += intended.length - activated.length;
    }
    console.log(
      `races${isOverNodes ? ` over ${nodes} processes` : ""}: ${rounds} rounds, seed ${seed}, ${JSON.stringify(seen)}`,
    );
    // Rounds in which nothing raced would prove nothing.
    expect(seen.delivered).toBeGreaterThan(rounds);
    expect(seen.refused).toBeGreaterThan(rounds);
    expect(seen.duplicates).toBeGreaterThan(0);
    expect(seen.closed).toBeGreaterThan(0);
  });

  it("each mint was asked for once: as many token requests as intents", async () => {
    const entries = await world.audit();
    const intents = entries.filter(({ type, data }) => type === "lease.intended" && data["target"] === "ledger");
    const asked = world.servers.proxy.seen.filter(({ path }) => path === "/token");
    expect(asked.length).toBe(intents.length);
  });
});

describe("an attestation that may be used once", () => {
  const templates = [{ template: "ledger-read" }, { template: "report" }];

  it.each(["report", "ledger-read"])("in parallel, for %s: one acceptance", async (template) => {
    const task = await world.openTask({ agent: "once-bot", templates });
    const attestation = await world.attest("once-bot");
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => world.exchange({ attestation, task, template })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const reasons = new Set(answers.filter(({ status }) => status !== 200).map(({ body }) => body.reason));
    expect([...reasons]).toEqual(["replayed"]);
    const fresh = await world.exchange({ as: "once-bot", task, template });
    expect(fresh.status).toBe(200);
    await world.end(task);
  });

  it("repeated under one key as the same request: one credential, and another request is a replay", async () => {
    const task = await world.openTask({ agent: "once-bot", templates });
    const attestation = await world.attest("once-bot");
    const wish = { attestation, task, template: "ledger-read", key: "one" };
    const answers = await Promise.all(Array.from({ length: 20 }, () => world.exchange(wish)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const reasons = new Set(answers.filter(({ status }) => status !== 200).map(({ body }) => body.reason));
    expect([...reasons].every((reason) => reason === "request_in_flight" || reason === "already_delivered")).toBe(true);
    const other = await world.exchange({ ...wish, more: { requested_ttl: "60" } });
    expect([other.status, other.body.reason]).toEqual([400, "replayed"]);
    await world.end(task);
    const lines = await world.leasesOf(task);
    expect(lines).toHaveLength(1);
    const token = answers.find(({ status }) => status === 200)?.body.access_token ?? "";
    await eventuallyTrue("the one credential is dead", async () => !(await world.isUsable(token)));
  });
});
