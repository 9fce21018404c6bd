/**
 * A client that no one here wrote: openid-client finds the broker by its metadata (RFC 8414) and exchanges (RFC 8693),
 * introspects (RFC 7662) and revokes (RFC 7009). The broker does nothing special for it.
 */
import * as openid from "openid-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exchangeGrant, jwtType } from "../support/flow/client.ts";
import { startFlow, type FlowWorld } from "../support/flow/world.ts";

let world: FlowWorld;
beforeAll(async () => {
  world = await startFlow();
});
afterAll(() => world.close());

/** The client's own hook for how it proves itself. */
const attestedBy =
  (attestation: string): openid.ClientAuth =>
  (_server, _client, _body, headers) =>
    headers.set("authorization", `Bearer ${attestation}`);

async function discover(name: string, clientAuth: openid.ClientAuth): Promise<openid.Configuration> {
  return openid.discovery(new URL(world.publicUrl), name, undefined, clientAuth, {
    algorithm: "oauth2",
    execute: [openid.allowInsecureRequests],
  });
}

async function exchange(config: openid.Configuration, task: string, template: string) {
  return openid.genericGrantRequest(config, exchangeGrant, {
    subject_token: await world.attest("bot"),
    subject_token_type: jwtType,
    scope: template,
    task_id: task,
  });
}

/** What the server said when it refused. */
async function refusalOf(answer: Promise<unknown>): Promise<{ error: string; status: number; reason: unknown }> {
  try {
    await answer;
  } catch (error) {
    if (error instanceof openid.ResponseBodyError)
      return { error: error.error, status: error.status, reason: error.cause["reason"] };
    throw error;
  }
  throw new Error("was not refused");
}

describe("openid-client", () => {
  it("discovers what the broker says of itself", async () => {
    const metadata = (await discover("bot", openid.None())).serverMetadata();
    expect(metadata.issuer).toBe(world.publicUrl);
    expect(metadata.grant_types_supported).toEqual([exchangeGrant]);
    expect(metadata.token_endpoint_auth_methods_supported).toEqual(["none"]);
  });

  it.each(["report", "ledger-read"])("exchanges for %s, and is refused after the task's end", async (template) => {
    const task = await world.openTask();
    const agent = await discover("bot", openid.None());
    const granted = await exchange(agent, task, template);
    expect(granted).toMatchObject({ token_type: "bearer", scope: template, task_id: task });
    expect(granted.expiresIn()).toBeGreaterThan(290);
    expect(await world.isUsable(granted.access_token)).toBe(true);

    await world.end(task);
    expect(await world.isUsable(granted.access_token)).toBe(false);
    expect(await refusalOf(exchange(agent, task, template))).toEqual({
      error: "access_denied",
      status: 400,
      reason: "task_ended",
    });
  });

  it("introspects with an attestation as Bearer: active while the task is open, inactive after it", async () => {
    const task = await world.openTask();
    const { token, lease } = await world.issue({ task, template: "report" });
    const api = await discover("report-api", attestedBy(await world.attest("report-api")));
    expect(await openid.tokenIntrospection(api, token)).toMatchObject({
      active: true,
      iss: world.publicUrl,
      client_id: "bot",
      jti: lease,
      task_id: task,
      aud: "https://reports.example",
    });
    const elsewhere = await discover("other-api", attestedBy(await world.attest("other-api")));
    expect(await openid.tokenIntrospection(elsewhere, token)).toEqual({ active: false });

    await world.end(task);
    expect(await openid.tokenIntrospection(api, token)).toEqual({ active: false });
  });

  it("introspection without an attestation is refused", async () => {
    const task = await world.openTask();
    const { token } = await world.issue({ task, template: "report" });
    const nobody = await discover("report-api", openid.None());
    await expect(openid.tokenIntrospection(nobody, token)).rejects.toMatchObject({ status: 401 });
  });

  it.each(["report", "ledger-read"])("revokes a token of %s by its possession, twice alike", async (template) => {
    const task = await world.openTask();
    const { token, lease } = await world.issue({ task, template });
    const agent = await discover("bot", openid.None());
    await openid.tokenRevocation(agent, token);
    await openid.tokenRevocation(agent, token);
    await openid.tokenRevocation(agent, "a-token-of-nobody");
    const report = await world.end(task);
    const dead = report.body.leases?.find(({ lease_id }) => lease_id === lease);
    expect(dead).toMatchObject({ state: "revoked" });
    expect(await world.isUsable(token)).toBe(false);
  });

  it("revocation kills the one token at once and no other of the task", async () => {
    const task = await world.openTask();
    const [revoked, kept] = [
      await world.issue({ task, template: "report" }),
      await world.issue({ task, template: "report" }),
    ];
    await openid.tokenRevocation(await discover("bot", openid.None()), revoked.token);
    expect(await world.isUsable(revoked.token)).toBe(false);
    expect(await world.isUsable(kept.token)).toBe(true);
    await world.end(task);
  });
});
