/** One flow against an issuer that no one here wrote (the oidc-provider package): discovery, keys, a real token. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startOidcIssuer, type OidcIssuer } from "../../scripts/servers/oidc-issuer.ts";
import { createAttestor } from "../../src/attest/attestor.ts";
import type { TrustedIssuer } from "../../src/domain/trusted-issuer.ts";
import { createKeySources } from "../../src/attest/key-sources.ts";
import { createNodeHttpClient, type NodeHttpClient } from "../../src/entry/node-http-client.ts";
import { createNodeVerifier, nodeDigest } from "../../src/entry/node-signature.ts";
import { Redacted } from "../../src/kernel/redacted.ts";
import { err } from "../../src/kernel/result.ts";
import { epochMillis, seconds } from "../../src/kernel/time.ts";
import { cluster } from "../support/builders.ts";
import { realClock } from "../support/real-clock.ts";
import { silentLog } from "../support/silent.ts";
import { verdictOf } from "./world.ts";

const audience = "https://broker.example";
const workload = { id: "invoice-bot", secret: "a-secret-of-the-workload" };
let issuer: OidcIssuer;
let http: NodeHttpClient;

beforeAll(async () => {
  issuer = await startOidcIssuer({
    audiences: [audience, "https://other.example"],
    workloads: [workload],
    lifetimeSeconds: 120,
  });
  http = createNodeHttpClient({ allowInsecureLoopback: true, maxConnectionsPerOrigin: 4 });
});
afterAll(async () => {
  await http.close();
  await issuer.close();
});

async function present(token: string, changes: Partial<TrustedIssuer> = {}) {
  const facts: TrustedIssuer = {
    name: cluster,
    issuer: issuer.issuer,
    audience,
    algorithms: ["ES256"],
    keys: { kind: "discovery" },
    maxLifetimeSeconds: seconds(120),
    replay: "once",
    types: ["at+jwt"],
    ...changes,
  };
  const attestor = createAttestor({
    issuerOf: (url) => (url === facts.issuer ? facts : undefined),
    keySources: createKeySources({
      http,
      clock: realClock,
      log: silentLog,
      loadText: async () => err("file"),
    }),
    verifySignature: createNodeVerifier(),
    digest: nodeDigest,
    cacheSize: 10,
  });
  return attestor.verify(new Redacted(token, "attestation"), epochMillis(Date.now()));
}

describe("attestor and a real OIDC issuer", () => {
  it("accepts its token for us", async () => {
    const answer = await present(await issuer.attest(workload.id));
    expect(answer).toMatchObject({
      ok: true,
      value: { subject: workload.id, issuerUrl: issuer.issuer, replay: { mode: "once", tokenId: expect.any(String) } },
    });
  });

  it.each<[string, Partial<TrustedIssuer>, string]>([
    ["an access token where only identity tokens are accepted", { types: [] }, "type"],
    ["another algorithm than pinned", { algorithms: ["RS256"] }, "algorithm"],
    ["a longer life than pinned", { maxLifetimeSeconds: seconds(119) }, "lifetime"],
    ["an audience that is not pinned", { audience: "https://third.example" }, "audience"],
  ])("refuses %s", async (_, changes, verdict) => {
    expect(verdictOf(await present(await issuer.attest(workload.id), changes))).toBe(verdict);
  });

  it("refuses its token for somebody else", async () => {
    expect(verdictOf(await present(await issuer.attest(workload.id, "https://other.example")))).toBe("audience");
  });
});
