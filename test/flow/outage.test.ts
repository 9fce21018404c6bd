/**
 * An OAuth server that fails: at the mint, at the end, and by lying. Nothing unclear is delivered, nothing is called
 * dead that is not, nothing is given up, and nobody else has to wait.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { eventually, eventuallyTrue } from "../support/flow/eventually.ts";
import type { Issued, LeaseLine } from "../support/flow/client.ts";
import { policyResources } from "../support/flow/policy.ts";
import { oauthPaths } from "../support/flow/servers.ts";
import { startFlow, type FlowWorld } from "../support/flow/world.ts";
import type { Break } from "../support/fault-proxy.ts";
import { listenOnLoopback } from "../support/loopback-server.ts";
import { createServer } from "node:net";

let world: FlowWorld;
beforeAll(async () => {
  const gone = await listenOnLoopback(createServer());
  await gone.close();
  world = await startFlow({
    // The second OAuth server of this policy is not there at all.
    resources: ({ places }) => [
      ...policyResources(places),
      ...policyResources({ ...places, otherOauth: gone.url })
        .filter(({ metadata }) => ["other-ledger", "other-read"].includes((metadata as { name: string }).name))
        .map((one) => renamed(one)),
    ],
  });
});
afterAll(() => world.close());
afterEach(() => world.servers.proxy.heal());

/** `other-ledger` and `other-read` once more, as `gone` and `gone-read`. */
function renamed<T extends object>(one: T): T {
  const text = JSON.stringify(one).replaceAll('"other-ledger"', '"gone"').replaceAll('"other-read"', '"gone-read"');
  return JSON.parse(text) as T;
}

const down = (fault: Break = { kind: "reset_before" }): void => {
  for (const path of Object.values(oauthPaths)) world.servers.proxy.breakPath(path, fault);
};
const templates = ["ledger-read", "other-read", "gone-read", "report"].map((template) => ({ template }));
const target = async (name: string) =>
  (await world.operate("GET", "/admin/targets", { as: "viewer" })).body.targets?.find((one) => one.target === name);
const untilDead = (task: string): Promise<readonly LeaseLine[]> =>
  eventually("everything of the task is dead", async () => {
    const lines = await world.leasesOf(task);
    return lines.every(({ state }) => state === "revoked") ? lines : undefined;
  });

const oauthError = (status: number, error: string, headers = {}): Break => ({
  kind: "answer",
  status,
  headers: { "content-type": "application/json", ...headers },
  body: JSON.stringify({ error }),
});
const granted = (more: object): Break => ({
  kind: "answer",
  status: 200,
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ access_token: "made-up-token", token_type: "Bearer", expires_in: 300, ...more }),
});

interface MintRow {
  readonly fault: Break;
  readonly status: number;
  readonly reason: string;
  readonly verdict: string;
}

/** Whatever may have been made is said to be usable until it has expired; what surely was not made is said so. */
const mintRows: Readonly<Record<string, MintRow>> = {
  "takes no request": {
    fault: { kind: "reset_before" },
    status: 503,
    reason: "mint_outcome_unknown",
    verdict: "usable-until",
  },
  "mints, and its answer is lost": {
    fault: { kind: "reset_after" },
    status: 503,
    reason: "mint_outcome_unknown",
    verdict: "usable-until",
  },
  "answers 500": {
    fault: oauthError(500, "server_error"),
    status: 503,
    reason: "mint_outcome_unknown",
    verdict: "usable-until",
  },
  "answers what nobody can read": {
    fault: { kind: "answer", acted: true, status: 200, body: "<html>" },
    status: 503,
    reason: "mint_outcome_unknown",
    verdict: "usable-until",
  },
  "refuses the scope": {
    fault: oauthError(400, "invalid_scope"),
    status: 503,
    reason: "provider",
    verdict: "never-minted",
  },
  "refuses the client": {
    fault: oauthError(401, "invalid_client"),
    status: 503,
    reason: "provider",
    verdict: "never-minted",
  },
  "has too much to do": {
    fault: oauthError(429, "temporarily_unavailable", { "retry-after": "3" }),
    status: 503,
    reason: "provider",
    verdict: "never-minted",
  },
  "grants more than was asked": {
    fault: granted({ scope: "ledger:read:emea ledger:write" }),
    status: 400,
    reason: "provider_granted_more",
    verdict: "dead-unverified",
  },
  "grants for longer than it may": {
    fault: granted({ expires_in: 86_400 }),
    status: 400,
    reason: "provider_granted_more",
    verdict: "dead-unverified",
  },
};

describe("at the mint: the server", () => {
  it.each(Object.entries(mintRows))("%s", async (_, { fault, status, reason, verdict }) => {
    const task = await world.openTask({ templates });
    world.servers.proxy.breakPath(oauthPaths.token, fault);
    const answer = await world.exchange({ task });
    expect([answer.status, answer.body.reason]).toEqual([status, reason]);
    expect(answer.body.access_token).toBeUndefined();
    expect(answer.headers.has("retry-after")).toBe(status === 503);
    world.servers.proxy.heal();

    const line = await eventually("its verdict", async () => {
      const [only] = await world.leasesOf(task);
      return only?.verdict === verdict ? only : undefined;
    });
    expect(Date.parse(line.usable_until ?? "") > Date.now()).toBe(verdict === "usable-until");
    // It was a passing fault: the next one is delivered, and dies.
    const { token } = await world.issue({ task });
    expect(await world.isUsable(token)).toBe(true);
    await world.end(task, { waitSeconds: 0 });
    await eventuallyTrue("the next one is dead", async () => !(await world.isUsable(token)));
  });

  it("is not there", async () => {
    const task = await world.openTask({ templates });
    const answer = await world.exchange({ task, template: "gone-read" });
    expect([answer.status, answer.body.reason]).toEqual([503, "provider"]);
    const ended = await world.end(task);
    expect(ended.body.leases?.map(({ verdict }) => verdict)).toEqual(["never-minted"]);
  });
});

describe("at the end: the server is down", () => {
  it("pending with the next try, no new credential there, others unaffected; dead when it comes back", async () => {
    const task = await world.openTask({ templates });
    const issued: Issued[] = [];
    for (let count = 0; count < 6; count += 1) issued.push(await world.issue({ task }));
    const bystander = await world.openTask({ templates });
    const theirs = await world.issue({ task: bystander, template: "other-read" });

    down();
    const ended = await world.end(task, { waitSeconds: 1 });
    expect(ended.status).toBe(200);
    expect(ended.body.summary).toMatchObject({ live: 6, dead: 0 });
    for (const { state, verdict, next_attempt_at } of ended.body.leases ?? [])
      expect([state, verdict, next_attempt_at === undefined]).toEqual(["revoking", "pending", false]);

    const broken = await eventually("the breaker opens", async () => {
      const state = await target("ledger");
      return state?.breaker === "open" ? state : undefined;
    });
    expect(broken.due).toBeGreaterThan(0);
    const refused = await world.exchange({ task: bystander, template: "ledger-read" });
    expect(refused.status).toBe(503);
    expect(refused.body).toMatchObject({ error: "temporarily_unavailable", reason: "kill_path_broken" });
    expect(refused.headers.get("retry-after")).not.toBeNull();

    // The other server, and the broker's own tokens: minted and killed as if nothing were.
    expect((await world.exchange({ task: bystander, template: "report" })).status).toBe(200);
    const others = await world.end(bystander);
    expect(others.body.summary).toMatchObject({ live: 0, dead: 2 });
    expect(await world.isUsable(theirs.token)).toBe(false);

    // A restart in the middle of it forgets nothing.
    await world.restart();
    expect((await world.leasesOf(task)).map(({ verdict }) => verdict)).toEqual(issued.map(() => "pending"));
    for (const { token } of issued) expect(await world.isUsable(token)).toBe(true);

    world.servers.proxy.heal();
    const lines = await untilDead(task);
    expect(new Set(lines.map(({ verdict }) => verdict))).toEqual(new Set(["dead-verified"]));
    for (const { token } of issued) expect(await world.isUsable(token)).toBe(false);
    expect((await target("ledger"))?.breaker).toBe("closed");
    const again = await world.openTask({ templates });
    expect((await world.exchange({ task: again })).status).toBe(200);
    await world.end(again);
  });

  it.each<[string, Break]>([
    ["answers 503", oauthError(503, "temporarily_unavailable", { "retry-after": "1" })],
    ["acts, and its answer is lost", { kind: "reset_after" }],
  ])("%s: tried again until it is dead", async (_, fault) => {
    const task = await world.openTask({ templates });
    const { token } = await world.issue({ task });
    world.servers.proxy.breakPath(oauthPaths.revocation, fault);
    const ended = await world.end(task, { waitSeconds: 1 });
    expect(ended.body.leases?.map(({ verdict }) => verdict)).toEqual(["pending"]);
    world.servers.proxy.heal();
    await untilDead(task);
    expect(await world.isUsable(token)).toBe(false);
  });

  it.each<[string, (lease: string) => object]>([
    ["that credential", (lease) => ({ kind: "lease", id: lease })],
    ["its target", () => ({ kind: "target", name: "ledger" })],
    ["all", () => ({ kind: "all" })],
  ])("takes the broker's client no more: needs a person, and dies once %s is tried again", async (_, scopeOf) => {
    const task = await world.openTask({ templates });
    const { token, lease } = await world.issue({ task });
    world.servers.proxy.breakPath(oauthPaths.revocation, oauthError(401, "invalid_client"));
    const ended = await world.end(task, { waitSeconds: 1 });
    expect(ended.body.summary).toMatchObject({ live: 1, dead: 0, stuck: 1 });
    expect(ended.body.leases?.[0]).toMatchObject({
      state: "stuck",
      verdict: "needs-a-person",
      reason: "invalid_client",
    });
    expect(await world.isUsable(token)).toBe(true);
    const stuck = await world.operate("GET", "/admin/stuck", { as: "viewer" });
    expect(stuck.body.leases?.map(({ lease_id }) => lease_id)).toContain(lease);
    expect(await target("ledger")).toMatchObject({ stuck: 1 });

    world.servers.proxy.heal();
    const retried = await world.operate("POST", "/admin/stuck/retry", {
      as: "killer",
      json: { scope: scopeOf(lease) },
    });
    expect([retried.status, retried.body]).toMatchObject([200, { retried: 1 }]);
    await untilDead(task);
    expect(await world.isUsable(token)).toBe(false);
    expect(await target("ledger")).toMatchObject({ stuck: 0 });
  });
});

describe("a server that says 200 and revokes nothing", () => {
  it("is never believed: pending with the reason, until the token is dead indeed", async () => {
    const task = await world.openTask({ templates });
    const { token } = await world.issue({ task });
    world.servers.proxy.breakPath(oauthPaths.revocation, { kind: "answer", status: 200, body: "" });
    await world.end(task, { waitSeconds: 0 });
    const seen = new Set<string>();
    const tried = await eventually("three attempts", async () => {
      const [line] = await world.leasesOf(task);
      seen.add(line?.state ?? "");
      return (line?.attempts ?? 0) >= 3 ? line : undefined;
    });
    expect([...seen]).toEqual(["revoking"]);
    expect(tried).toMatchObject({ verdict: "pending", reason: "still_active_after_revocation" });
    expect(await world.isUsable(token)).toBe(true);
    world.servers.proxy.heal();
    const [dead] = await untilDead(task);
    expect(dead?.verdict).toBe("dead-verified");
    expect(await world.isUsable(token)).toBe(false);
  });
});
