/** What the broker says of itself is what it does: metadata (RFC 8414), keys (RFC 7517), OpenAPI on both listeners. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Sent } from "../support/flow/client.ts";
import { reportAudience } from "../support/flow/policy.ts";
import { startFlow, type FlowWorld } from "../support/flow/world.ts";
import { judgeBySignature, startProtectedApi } from "../support/oauth-server.ts";

let world: FlowWorld;
beforeAll(async () => {
  world = await startFlow();
});
afterAll(() => world.close());

describe("metadata", () => {
  const metadata = async () =>
    JSON.parse((await world.send("GET", "/.well-known/oauth-authorization-server")).text) as Record<string, unknown>;

  it("names endpoints that are there, by the issuer and not by the Host header", async () => {
    const told = await metadata();
    expect(told["issuer"]).toBe(world.publicUrl);
    const endpoints = Object.entries(told).filter(([name]) => name.endsWith("_endpoint"));
    expect(endpoints.map(([name]) => name)).toEqual([
      "token_endpoint",
      "revocation_endpoint",
      "introspection_endpoint",
    ]);
    for (const [, url] of endpoints) {
      const path = String(url).slice(world.publicUrl.length);
      const answer = await world.send("POST", path, { form: {} });
      // There, and it wants more than nothing.
      expect([path, [400, 401].includes(answer.status)]).toEqual([path, true]);
    }
    expect((await world.send("POST", "/no-such-endpoint", { form: {} })).status).toBe(404);
  });

  it("says no more than is supported", async () => {
    const told = await metadata();
    expect(told["response_types_supported"]).toEqual([]);
    for (const grant of ["client_credentials", "authorization_code", "refresh_token"]) {
      expect(told["grant_types_supported"]).not.toContain(grant);
      const answer = await world.send("POST", "/token", { form: { grant_type: grant } });
      expect(answer.body.error).toBe("unsupported_grant_type");
    }
  });
});

describe("keys", () => {
  it("are found by whoever trusts the broker as an identity provider", async () => {
    const answer = await world.send("GET", "/.well-known/openid-configuration");
    expect(JSON.parse(answer.text)).toMatchObject({
      issuer: world.publicUrl,
      jwks_uri: `${world.publicUrl}/jwks`,
      id_token_signing_alg_values_supported: ["ES256"],
    });
  });

  it("let an API check the broker's own tokens by itself", async () => {
    const task = await world.openTask();
    const { token } = await world.issue({ task, template: "offline" });
    const api = await startProtectedApi({
      scope: "report:read",
      judge: judgeBySignature({
        jwksUri: `${world.publicUrl}/jwks`,
        issuer: world.publicUrl,
        audience: reportAudience,
      }),
    });
    const elsewhere = await startProtectedApi({
      scope: "report:read",
      judge: judgeBySignature({
        jwksUri: `${world.publicUrl}/jwks`,
        issuer: world.publicUrl,
        audience: "https://x.example",
      }),
    });
    try {
      expect([await api.use(token), await elsewhere.use(token)]).toEqual([200, 401]);
      expect(await api.use(`${token.slice(0, -8)}AAAAAAAA`)).toBe(401);
    } finally {
      await Promise.all([api.close(), elsewhere.close()]);
    }
    const keys = await world.send("GET", "/jwks");
    expect(keys.headers.get("content-type")).toBe("application/jwk-set+json");
    expect(keys.text).not.toMatch(/"d":/);
  });
});

type Methods = Readonly<Record<string, unknown>>;
const listeners: readonly [string, (method: string, path: string) => Promise<Sent>][] = [
  ["public", (method, path) => world.send(method, path, { as: "desk" })],
  ["operators'", (method, path) => world.operate(method, path, { as: "desk" })],
];

describe.each(listeners)("OpenAPI on the %s listener", (_, send) => {
  const paths = async (): Promise<readonly [string, Methods][]> =>
    Object.entries((JSON.parse((await send("GET", "/openapi.json")).text) as { paths: Record<string, Methods> }).paths);

  it("every method that is described is served, and no other", async () => {
    for (const [path, methods] of await paths()) {
      const described = Object.keys(methods).map((method) => method.toUpperCase());
      const concrete = path.replace(
        "{id}",
        path.startsWith("/tasks") ? `tsk_${"0".repeat(21)}` : `lea_${"0".repeat(21)}`,
      );
      for (const method of ["GET", "POST", "DELETE", "PUT", "PATCH"]) {
        const answer = await send(method, concrete);
        const isServed = answer.status !== 405;
        expect([method, path, isServed]).toEqual([method, path, described.includes(method)]);
        const allowed = answer.headers
          .get("allow")
          ?.split(", ")
          .filter((one) => one !== "OPTIONS" && one !== "HEAD");
        expect(allowed ?? described).toEqual(described);
      }
    }
  });

  it("what is not described is not there", async () => {
    for (const path of ["/", "/admin", "/tokens", "/tasks/", "/debug", "/metrics/x", "/.env", "/console"])
      expect((await send("GET", path)).status).toBe(404);
  });
});
