/**
 * Planted secrets, looked for wherever the broker writes: the whole ledger and queues, the process's own log at its most
 * talkative, every answer but the one that delivers, audit, metrics, reports. First it is shown that they were there:
 * the agent used them, the provider received them.
 */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Issued, Sent } from "../support/flow/client.ts";
import { eventuallyTrue } from "../support/flow/eventually.ts";
import { ledgerKind } from "../support/ledger-kind.ts";
import { formsOf, leaksIn, type Secret } from "../support/flow/leak-search.ts";
import { startSearchedWorld, type SearchedWorld } from "../support/flow/searched-world.ts";
import { oauthPaths } from "../support/flow/servers.ts";
import { generateSigningKeys } from "../../src/keys/generate.ts";

const sealingKey = randomBytes(32);
const planted = `planted-${randomBytes(12).toString("hex")}+/&=%`;

let world: SearchedWorld;
let signingKey: Uint8Array;
let task: string;
const issued: Issued[] = [];
/** Whatever came back over HTTP, except for the answers that deliver. */
const answers: { what: string; text: string }[] = [];
const attestations: string[] = [];

beforeAll(async () => {
  const ring = (await generateSigningKeys()).reveal();
  signingKey = Buffer.from((JSON.parse(ring) as { keys: { jwk: { d: string } }[] }).keys[0]?.jwk.d ?? "", "base64url");
  world = await startSearchedWorld({
    MAYFLY_SEALING_KEYS: JSON.stringify({ active: "k1", keys: { k1: sealingKey.toString("base64url") } }),
    MAYFLY_SIGNING_KEYS: ring,
  });
  await liveThroughEverything();
});
afterAll(() => world.close());

const headersOf = ({ headers }: Sent): string => [...headers].map(([name, value]) => `${name}: ${value}`).join("\n");
const note = async (what: string, sent: Promise<Sent>): Promise<Sent> => {
  const answer = await sent;
  answers.push({ what, text: `${headersOf(answer)}\n\n${answer.text}` });
  return answer;
};

/** Deliveries, repeats, refusals, faults, kills: as many ways to write something down as there are. */
async function liveThroughEverything(): Promise<void> {
  const { proxy } = world.servers;
  for (const name of ["planner", "bot", "viewer", "killer", "report-api", "stranger"])
    attestations.push(await world.attest(name));
  task = await world.openTask();
  for (const template of ["ledger-read", "ledger-read", "other-read", "report", "offline"]) {
    const delivered = await world.exchange({ task, template, key: `key-${issued.length}` });
    answers.push({ what: `headers of the delivery of ${template}`, text: headersOf(delivered) });
    const { access_token: token = "", lease_id: lease = "" } = delivered.body;
    issued.push({ token, lease, task });
  }
  expect(await world.servers.isAlive(issued[0]?.token ?? "")).toBe(true);

  await note("a repeat", world.exchange({ task, template: "other-read", key: "key-2" }));
  await note("a live lease", world.send("GET", `/leases/${issued[0]?.lease}`, { as: "planner" }));
  await note("a live task", world.send("GET", `/tasks/${task}`, { as: "planner" }));
  await note(
    "introspection",
    world.send("POST", "/introspect", { as: "report-api", form: { token: issued[3]?.token ?? "" } }),
  );
  await note("revocation", world.send("POST", "/revoke", { form: { token: issued[3]?.token ?? "" } }));
  await sendSecretsWhereTheyDoNotBelong();

  // A server whose errors repeat what it was sent, and a secret of its own.
  const echo = {
    error: "invalid_scope",
    error_description: `${planted} ${world.servers.secrets["FLOW_CLIENT_SECRET"]}`,
  };
  for (const [status, error] of [
    [400, "invalid_scope"],
    [500, planted],
    [400, planted],
    [200, planted],
  ] as const) {
    const body = JSON.stringify({ ...echo, error, access_token: 7 });
    proxy.breakPath(oauthPaths.token, { kind: "answer", status, headers: { "x-echo": planted }, body });
    await note(`a mint answered ${status}`, world.exchange({ task }));
  }
  proxy.heal();
  const refusal = JSON.stringify({ error: planted, error_description: issued[0]?.token });
  proxy.breakPath(oauthPaths.revocation, { kind: "answer", status: 400, body: refusal });
  await note("a kill that is refused", world.send("DELETE", `/leases/${issued[0]?.lease}`, { as: "bot" }));
  await eventuallyTrue("it is stuck", async () => (await world.leasesOf(task))[0]?.state === "stuck");
  proxy.breakPath(oauthPaths.revocation, { kind: "answer", status: 503, body: issued[1]?.token ?? "" });
  await note("an end that waits", world.end(task, { waitSeconds: 1 }));
  proxy.heal();
  await eventuallyTrue("what can be killed is dead", async () => {
    const lines = await world.leasesOf(task);
    return lines.every(({ verdict, state }) => state !== "revoking" || verdict === "usable-until");
  });
  await note("the end's report", world.send("GET", `/tasks/${task}`, { as: "planner" }));
  await note("metrics", world.operate("GET", "/metrics", { as: "viewer" }));
  for (const path of ["/admin/targets", "/admin/doors", "/admin/stuck", "/readyz", "/openapi.json"])
    await note(path, world.operate("GET", path, { as: "viewer" }));
}

async function sendSecretsWhereTheyDoNotBelong(): Promise<void> {
  const [token = "", attestation = ""] = [issued[0]?.token, attestations[1]];
  const bearer = { authorization: `Bearer ${token}` };
  await note("a token as an id", world.send("GET", `/leases/${encodeURIComponent(token)}`, { as: "planner" }));
  await note("a token as a path", world.send("GET", `/${encodeURIComponent(token)}`));
  await note("a token as attestation", world.send("GET", `/tasks/${task}`, { headers: bearer }));
  await note("a token as scope", world.exchange({ template: token }));
  await note("a token as key", world.exchange({ task, template: "report", key: token, more: { scope: "nothing" } }));
  await note("an attestation as an unknown parameter", world.exchange({ task, more: { [attestation]: "1" } }));
  await note("an attestation as client_id", world.exchange({ task, more: { client_id: attestation } }));
  await note("a secret as client_secret", world.exchange({ task, more: { client_secret: planted } }));
  await note(
    "an attestation with a broken signature",
    world.exchange({ attestation: `${attestation.slice(0, -9)}AAAAAAAAA`, task }),
  );
  await note(
    "a secret as a member",
    world.send("POST", "/tasks", { as: "planner", json: { [planted]: planted, agent: planted } }),
  );
  await note(
    "a secret as a value",
    world.send("POST", "/tasks", {
      as: "planner",
      json: { agent: planted, templates: [{ template: planted }], deadline_seconds: 1 },
    }),
  );
  await note("a secret as a parameter's value", world.exchange({ task, parameters: { region: planted } }));
  await note("a secret as a parameter's name", world.exchange({ task, parameters: { [planted]: "emea" } }));
  await note("a stranger", world.exchange({ as: "stranger", task }));
}

const wroteRedis = [expect.stringMatching(/\.aof$/), expect.stringContaining(":kill:")];

/** Where a ledger must have written, among others: SQLite's log too, and the kill queues of Redis. */
const wrote = {
  sqlite: ["ledger.db", "ledger.db-wal"],
  redis: wroteRedis,
  "redis-gateway": wroteRedis,
  "durable-object": [expect.stringMatching(/^[0-9a-f]{64}\.sqlite$/), expect.stringMatching(/\.sqlite-wal$/)],
}[ledgerKind];

/** The signature alone too: a digest of a token is written down on purpose, a part of it never is. */
const parts = (name: string, token: string): readonly Secret[] => {
  const pieces = token.split(".");
  const signature = pieces.length === 3 ? pieces[2] : undefined;
  return [
    { name, value: token },
    ...(signature === undefined ? [] : [{ name: `${name}'s signature`, value: signature }]),
  ];
};

function secrets(): readonly Secret[] {
  return [
    { name: "client secret", value: world.servers.secrets["FLOW_CLIENT_SECRET"] ?? "" },
    { name: "sealing key", value: sealingKey },
    { name: "sealing key's text", value: sealingKey.toString("base64url") },
    { name: "signing key", value: signingKey },
    { name: "signing key's text", value: Buffer.from(signingKey).toString("base64url") },
    { name: "planted in errors and requests", value: planted },
    ...issued.flatMap(({ token }, index) => parts(`token ${index}`, token)),
    ...attestations.flatMap((token, index) => parts(`attestation ${index}`, token)),
  ];
}

describe("the canaries were there", () => {
  it("the agent got them, and the provider received them", () => {
    const { seen } = world.servers.proxy;
    expect(issued.map(({ token }) => token.length > 20)).toEqual([true, true, true, true, true]);
    const revocations = seen.filter(({ path }) => path === oauthPaths.revocation);
    expect(revocations.map(({ body }) => new URLSearchParams(body).get("token"))).toEqual(
      expect.arrayContaining([issued[0]?.token, issued[1]?.token]),
    );
    const basic = Buffer.from(seen.at(-1)?.headers.authorization?.slice("Basic ".length) ?? "", "base64").toString();
    expect(new URLSearchParams(`x=${basic.split(":")[1]}`).get("x")).toBe(world.servers.secrets["FLOW_CLIENT_SECRET"]);
  });

  it("the search finds each secret in each of its forms", () => {
    for (const secret of secrets())
      for (const [form, text] of formsOf(secret))
        expect(leaksIn(`before ${text} after`, [secret])).toContain(`${secret.name} as ${form}`);
    expect(leaksIn(`Authorization: Basic ${btoa(`x:${planted}`)}`, secrets())).not.toEqual([]);
    expect(leaksIn("nothing of the kind", secrets())).toEqual([]);
  });
});

describe("and are nowhere else", () => {
  it("in no answer but those that deliver", () => {
    expect(answers.length).toBeGreaterThan(25);
    const found = answers
      .map(({ what, text }) => [what, leaksIn(text, secrets())])
      .filter(([, leaks]) => leaks?.length !== 0);
    expect(found).toEqual([]);
  });

  it("in no audit entry", async () => {
    const entries = await world.audit();
    expect(entries.length).toBeGreaterThan(20);
    expect(leaksIn(JSON.stringify(entries), secrets())).toEqual([]);
  });

  it("not in the ledger, while it is in use and after the process has ended", async () => {
    const before = await world.contents();
    expect([...before.keys()]).toEqual(expect.arrayContaining(wrote));
    for (const [where, bytes] of before) expect([where, leaksIn(bytes, secrets())]).toEqual([where, []]);
    // What is searched is what was written: the task is in there by its name.
    expect(Buffer.concat([...before.values()]).toString("latin1")).toContain(task.slice(-8));

    await world.stop();
    for (const [where, bytes] of await world.contents())
      expect([where, leaksIn(bytes, secrets())]).toEqual([where, []]);
  });

  it("not in the process's log", () => {
    const text = world.text();
    expect(text).toContain("request_refused");
    expect(text).toContain("mint_unknown");
    expect(text).toContain("revoke_failed");
    expect(leaksIn(text, secrets())).toEqual([]);
  });
});
