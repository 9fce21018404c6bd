/** Providers as operators see and try them: a round whose credential nobody gets, and what it says when a step fails. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { epochMillis } from "../../src/kernel/time.ts";
import { eventuallyTrue } from "../support/flow/eventually.ts";
import { createListedSystem, type ListedSystem } from "../support/listed-system.ts";
import { createWorld, policy, type World } from "./world.ts";

const listed = `---
apiVersion: mayfly.dev/v1
kind: Provider
metadata: { name: drifter }
spec: { type: listed }
---
apiVersion: mayfly.dev/v1
kind: CredentialTemplate
metadata: { name: drift-read }
spec:
  provider: drifter
  agents: ["*"]
  actionClass: read
  sensitivity: internal
  ttl: { defaultSeconds: 300, maxSeconds: 900 }
  parameters:
    tenant: { type: string, enum: [emea, apac] }
  scope: {}
`;

let world: World;
let system: ListedSystem;
beforeEach(async () => {
  system = createListedSystem();
  world = await createWorld({ policy: policy + listed, types: [system.type], kills: true });
});
afterEach(() => world.close());

const test = (more: object = {}) =>
  world.operate("POST", "/admin/providers/test", {
    as: "desk",
    json: { provider: "drifter", template: "drift-read", parameters: { tenant: "emea" }, ...more },
  });

interface Step {
  readonly step: string;
  readonly outcome: string;
  readonly detail: string;
  readonly fix?: string;
}
const stepsOf = (body: Readonly<Record<string, unknown>>): readonly Step[] => body["steps"] as readonly Step[];
const shown = async (name = "drifter") => {
  const { body } = await world.operate("GET", "/admin/providers", { as: "viewer" });
  return (body["providers"] as readonly { provider: string }[]).find(({ provider }) => provider === name);
};

describe("a provider", () => {
  it("is listed with what it can do, and its kill as not yet seen", async () => {
    expect(await shown()).toMatchObject({
      type: "listed",
      reachable: true,
      kill: "not_seen",
      held: false,
      capabilities: { ttl: "1-3600 s", revocation: "immediate", probe: "data-plane", listable: true },
    });
    expect(await shown("own")).toMatchObject({ kill: "cannot_be_seen" });
  });

  it("that does not answer is listed with the reason", async () => {
    system.break("check");
    expect(await shown()).toMatchObject({ reachable: false, problem: "unreachable" });
  });
});

describe("a credential of a provider whose kill was never seen", () => {
  const form = { scope: "drift-read" };
  const details = JSON.stringify([{ type: "mayfly_template", template: "drift-read", parameters: { tenant: "emea" } }]);

  it("says so where it is read, in its task's report and among the stuck, until it is seen dead itself", async () => {
    const task = await world.openTask({ templates: [{ template: "drift-read" }, { template: "api-read" }] });
    const { body } = await world.exchange({ ...form, task_id: task, authorization_details: details });
    await world.exchange({ task_id: task });
    const lines = async () => {
      const report = await world.send("GET", `/tasks/${task}`, { as: "planner" });
      const leases = report.body["leases"] as readonly Record<string, unknown>[];
      return Object.fromEntries(leases.map((line) => [line["provider"], line["kill_seen"]]));
    };
    expect(await lines()).toEqual({ drifter: false, own: undefined });
    const lease = () => world.send("GET", `/leases/${String(body["lease_id"])}`, { as: "bot" });
    expect((await lease()).body).toMatchObject({ verdict: "live", kill_seen: false });
    system.break("revoke");
    const end = await world.send("POST", `/tasks/${task}/end`, {
      as: "planner",
      json: { outcome: "completed" },
      headers: { prefer: "wait=2" },
    });
    expect(end.body["leases"]).toContainEqual(expect.objectContaining({ provider: "drifter", kill_seen: false }));
    const stuck = await world.operate("GET", "/admin/stuck", { as: "viewer" });
    expect(stuck.body["leases"]).toMatchObject([{ provider: "drifter", kill_seen: false }]);
    system.break(null);
    await world.operate("POST", "/admin/stuck/retry", { as: "desk", json: { scope: { kind: "all" } } });
    await eventuallyTrue("it is dead", async () => (await lease()).body["state"] === "revoked");
    expect((await lease()).body).not.toHaveProperty("kill_seen");
  });
});

describe("a round", () => {
  it("mints, uses, kills and uses again; nothing is left, and its kill is seen from then on, at its target too", async () => {
    const { status, body } = await test();
    expect([status, body["passed"], body["kill_seen"]]).toEqual([200, true, true]);
    expect(stepsOf(body).map(({ step, outcome }) => [step, outcome])).toEqual([
      ["check", "ok"],
      ["record", "ok"],
      ["mint", "ok"],
      ["use", "ok"],
      ["kill", "ok"],
      ["use_after", "ok"],
    ]);
    expect(system.alive.size).toBe(0);
    expect(await shown()).toMatchObject({ kill: "seen", kill_seen_at: expect.any(String) });
    const lease = await world.operate("GET", "/admin/stuck", { as: "viewer" });
    expect(lease.body["leases"]).toEqual([]);
  });

  it("that a limit nearly refused passes, and says so", async () => {
    const detailOfMint = async () => stepsOf((await test()).body).find(({ step }) => step === "mint")?.detail;
    expect(await detailOfMint()).not.toContain("%");
    system.break("near_limit");
    expect(await detailOfMint()).toContain("it took 90 % of rules");
    expect((await test()).body["passed"]).toBe(true);
  });

  it("at a provider without a probe says what could not be asked", async () => {
    const { body } = await test({ provider: "own", template: "api-read", parameters: {} });
    expect([body["passed"], body["kill_seen"]]).toEqual([true, false]);
    expect(stepsOf(body).map(({ outcome }) => outcome)).toEqual(["ok", "ok", "ok", "not_asked", "ok", "not_asked"]);
  });

  it.each<["check" | "mint" | "probe" | "revoke", string, string]>([
    ["check", "check", "unreachable"],
    ["mint", "mint", "permission"],
    ["probe", "use", "could not be seen to work"],
    ["revoke", "kill", "permission"],
  ])("with a broken %s fails at %s, and says why and what to do", async (fault, step, why) => {
    system.break(fault);
    const { body } = await test();
    expect([body["passed"], body["kill_seen"]]).toEqual([false, false]);
    const failed = stepsOf(body).find(({ outcome }) => outcome === "failed");
    expect(failed).toMatchObject({ step, detail: expect.stringContaining(why), fix: expect.any(String) });
    expect(await shown()).toMatchObject({ kill: "not_seen" });
  });

  it.each<[string, object, string]>([
    ["of another provider's template", { template: "api-read" }, "not one of this provider"],
    ["without a parameter", { parameters: {} }, "parameter tenant is required"],
    ["with a value that the template does not allow", { parameters: { tenant: "mars" } }, "parameter tenant"],
    ["with a parameter that the template does not have", { parameters: { tenant: "emea", x: 1 } }, "does not declare"],
  ])("%s is refused before anything is made", async (_, more, why) => {
    const { status, text } = await test(more);
    expect(status).toBe(400);
    expect(text).toContain(why);
    expect(system.alive.size).toBe(0);
  });
});

describe("a round that is told line by line", () => {
  const headers = { accept: "application/x-ndjson, application/json" };
  const ask = (as: "desk" | "viewer" = "desk", more: object = {}) =>
    world.operate("POST", "/admin/providers/test", {
      as,
      json: { provider: "drifter", template: "drift-read", parameters: { tenant: "emea" }, ...more },
      headers,
    });
  const read = (lines: string) =>
    lines.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Record<string, unknown>]));
  /** As it comes, and whoever reads may leave. */
  async function open() {
    const authorization = `Bearer ${world.attest("desk")}`;
    const response = await world.admin.request("/admin/providers/test", {
      method: "POST",
      headers: { ...headers, authorization, "content-type": "application/json" },
      body: JSON.stringify({ provider: "drifter", template: "drift-read", parameters: { tenant: "emea" } }),
    });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    if (reader === undefined) throw new Error("no body");
    return { reader, next: async () => (await reader.read()).value?.trimEnd() };
  }

  it("has each step as it begins and ends, and last the whole answer", async () => {
    const { text, headers: sent } = await ask();
    expect(sent.get("content-type")).toBe("application/x-ndjson");
    const lines = read(text);
    const whole = lines.at(-1) ?? {};
    expect(whole).toMatchObject({ provider: "drifter", passed: true, kill_seen: true });
    const seconds = expect.any(Number);
    expect(lines.slice(0, -1)).toMatchObject([
      { began: "check" },
      { ended: { step: "check", outcome: "ok", seconds } },
      { began: "record" },
      { ended: { step: "record", outcome: "ok", seconds } },
      { began: "mint" },
      { ended: { step: "mint", outcome: "ok", seconds } },
      { began: "use" },
      { ended: { step: "use", outcome: "ok", seconds } },
      { began: "kill" },
      { ended: { step: "kill", outcome: "ok", seconds } },
      { ended: { step: "use_after", outcome: "ok", seconds } },
    ]);
    expect(lines.flatMap(({ ended }) => (ended === undefined ? [] : [ended]))).toEqual(whole["steps"]);
  });

  it("comes while the round is under way", async () => {
    const release = system.holdMints();
    const { next } = await open();
    const lines: unknown[] = [];
    while (lines.at(-1) !== '{"began":"mint"}') lines.push(await next());
    expect(lines).toHaveLength(5);
    expect(system.alive.size).toBe(0);
    release();
    while (lines.at(-1) !== undefined) lines.push(await next());
    expect(read(String(lines.at(-2)))).toMatchObject([{ passed: true }]);
  });

  it("goes on to its end when nobody reads any more, and a stop waits for it", async () => {
    const release = system.holdMints();
    const { reader, next } = await open();
    await next();
    await reader.cancel();
    expect(world.inFlight.count()).toBe(1);
    release();
    await world.inFlight.settled();
    expect(await shown()).toMatchObject({ kill: "seen" });
    expect(system.alive.size).toBe(0);
  });

  it("that fails says so in its last line; one that is refused has no lines", async () => {
    system.break("mint");
    expect(read((await ask()).text).at(-1)).toMatchObject({ passed: false });
    const refused = await ask("desk", { template: "api-read" });
    expect([refused.status, refused.headers.get("content-type")]).toEqual([400, "application/problem+json"]);
    expect((await ask("viewer")).status).toBe(404);
  });
});

it("nothing is minted where a restore is not followed up, and it says so; elsewhere all goes on", async () => {
  const held = await createWorld({ policy: policy + listed, types: [system.type], isHeld: (name) => name === "own" });
  try {
    const refused = await held.exchange();
    expect([refused.status, refused.body["error"]]).toEqual([503, "temporarily_unavailable"]);
    const json = { provider: "own", template: "api-read" };
    expect((await held.operate("POST", "/admin/providers/test", { as: "desk", json })).status).toBe(503);
    const { body } = await held.operate("GET", "/admin/providers", { as: "viewer" });
    expect(body["providers"]).toMatchObject([
      { provider: "drifter", held: false },
      { provider: "own", held: true },
    ]);
    expect((await held.ledger.health()).counts.liveLeases).toBe(0);
  } finally {
    await held.close();
  }
});

describe("a comparison on demand", () => {
  it("ends a stray and tells the counts", async () => {
    system.make("left-behind", null, epochMillis(0));
    const asked = { as: "desk", json: { provider: "drifter" } } as const;
    const { status, body } = await world.operate("POST", "/admin/providers/drift", asked);
    expect([status, body["found"], body["strays_ended"], body["unfinished"]]).toEqual([200, 1, 1, undefined]);
    expect(system.alive.size).toBe(0);
    expect(await shown()).toMatchObject({ compared_at: expect.any(String) });
  });

  it("of a provider that cannot list says so", async () => {
    const asked = { as: "desk", json: { provider: "own" } } as const;
    const { body } = await world.operate("POST", "/admin/providers/drift", asked);
    expect(body).toMatchObject({ found: 0, unfinished: "cannot_list" });
  });
});
