/**
 * Attacks on `POST /token` as they come over the wire, each with its exact answer, and nothing recorded for them but
 * refusals. Beside them what is accepted, and for how long.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exchangeGrant, jwtType } from "../support/flow/client.ts";
import { brokerAudience, ledgerAudience } from "../support/flow/policy.ts";
import { startFlow, type FlowWorld } from "../support/flow/world.ts";
import { realClock } from "../support/real-clock.ts";
import { attackRows, ledgerRead, tokenTypes, type Forge, type Row } from "./token-attack-rows.ts";

let world: FlowWorld;
let task: string;
beforeAll(async () => {
  world = await startFlow();
  const templates = ["ledger-read", "prod-only", "report", "limited"].map((template) => ({ template }));
  task = await world.openTask({ agent: "forge-bot", templates, deadline_seconds: 3600 });
});
afterAll(() => world.close());

const forged: Forge["forged"] = (wish = {}) =>
  world.servers.forge.attest({
    subject: "forge-bot",
    audience: brokerAudience,
    now: realClock.now(),
    lifetimeSeconds: 3000,
    ...wish,
  });

async function post({ form = {}, headers = {}, attestation = () => forged(), body }: Row) {
  const parameters = {
    grant_type: exchangeGrant,
    subject_token: await attestation({ forged, servers: world.servers }),
    subject_token_type: jwtType,
    scope: "ledger-read",
    task_id: task,
    ...form,
  };
  const sent = Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const good = new URLSearchParams(sent).toString();
  const answer = await fetch(`${world.publicUrl}/token`, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
    body: body?.(good) ?? good,
  });
  const told = (await answer.json()) as { error?: string; reason?: string; error_description?: string };
  return { status: answer.status, headers: answer.headers, told };
}

describe("POST /token refuses", () => {
  it.each(Object.entries(attackRows))("%s", async (_, [row, status, error, reason]) => {
    const { told, ...answer } = await post(row);
    expect({ status: answer.status, error: told.error, ...(reason !== undefined && { reason: told.reason }) }).toEqual({
      status,
      error,
      ...(reason !== undefined && { reason }),
    });
    expect(told.error_description).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(answer.headers.has("www-authenticate")).toBe(status === 401);
  });

  it("and nothing was ever minted for any of these", async () => {
    const types = new Set((await world.audit(task)).map(({ type }) => type));
    expect([...types].toSorted()).toEqual(["request.refused", "task.opened"]);
    expect(world.servers.proxy.seen.filter(({ path }) => path === "/token")).toEqual([]);
  });

  it("a header with `jku`, `x5u` or `jwk` causes no request and lends no key", async () => {
    const attacker = world.servers.once;
    const before = attacker.requests.length;
    for (const header of [
      { jku: `${attacker.url}/keys` },
      { x5u: `${attacker.url}/keys` },
      { jwk: (attacker.keySet()["keys"] as readonly object[])[0] },
    ]) {
      // Signed by the attacker's key, in the name of the trusted issuer.
      const attestation = attacker.attest({
        subject: "forge-bot",
        audience: brokerAudience,
        now: realClock.now(),
        header,
        claims: { iss: world.servers.forge.url },
      });
      const { status, told } = await post({ attestation: () => attestation });
      expect([status, told.error]).toEqual([400, "invalid_request"]);
    }
    expect(attacker.requests.length).toBe(before);
  });
});

describe("POST /token accepts", () => {
  it.each<[string, Row]>([
    ["the request that the rows above change", {}],
    ["its own client_id", { form: { client_id: "forge-bot" } }],
    ["the audience of the template", { form: { audience: ledgerAudience } }],
    ["the resource of the template", { form: { resource: ledgerAudience } }],
    ["an access token wanted", { form: { requested_token_type: `${tokenTypes}:access_token` } }],
    ["a parameter in its list", { form: ledgerRead({ region: "apac" }) }],
    ["an unknown parameter once", { form: { x: "1" } }],
    ["an empty parameter", { form: { audience: "" } }],
    ["an audience as a list of one", { attestation: () => forged({ claims: { aud: [brokerAudience] } }) }],
    ["a charset of the body", { headers: { "content-type": "application/x-www-form-urlencoded; charset=UTF-8" } }],
  ])("%s", async (_, row) => {
    const { status, headers } = await post(row);
    expect(status).toBe(200);
    expect([headers.get("cache-control"), headers.get("pragma")]).toEqual(["no-store", "no-cache"]);
  });

  it.each<[string, Row, number, string]>([
    ["the template's default", {}, 300, "template_default"],
    ["the wish, if shorter", { form: { requested_ttl: "60" } }, 60, "requested"],
    ["a guardrail, if longer is wished", { form: { requested_ttl: "800" } }, 600, "guardrail:short-secrets"],
    ["the template's most", { form: { requested_ttl: "99999", scope: "limited" } }, 900, "template_max"],
    ["what is left of the attestation", { attestation: () => forged({ lifetimeSeconds: 120 }) }, 120, "attestation"],
  ])("lifetime: %s", async (_, row, expected, bound) => {
    const { told } = await post(row);
    const { expires_in = 0, ttl_bound } = told as { expires_in?: number; ttl_bound?: string };
    expect(ttl_bound).toBe(bound);
    expect(expires_in).toBeLessThanOrEqual(expected);
    expect(expires_in).toBeGreaterThanOrEqual(expected - 3);
  });

  it("lifetime: the task's deadline", async () => {
    const templates = [{ template: "report" }];
    const short = await world.openTask({ agent: "forge-bot", templates, deadline_seconds: 40 });
    const { told } = await post({ form: { task_id: short, scope: "report" } });
    expect(told).toMatchObject({ ttl_bound: "task_deadline" });
    expect((told as { expires_in: number }).expires_in).toBeLessThanOrEqual(40);
  });
});
