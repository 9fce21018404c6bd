/** Every row of the corpus, through every verifier, with its exact verdict and without a request that a token caused. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { addMillis } from "../../src/kernel/time.ts";
import { Redacted } from "../../src/kernel/redacted.ts";
import { sha256 } from "../../src/kernel/digest.ts";
import { corpus } from "./corpus.ts";
import { prepareCorpus, type CorpusTools } from "./corpus-tools.ts";
import { audience, createWorld, subject, verify, type World } from "./world.ts";

let world: World;
let tools: CorpusTools;

beforeAll(async () => {
  world = await createWorld();
  tools = prepareCorpus(world);
});
afterAll(() => world.close());

describe("attestor: refuses what is not certainly good, and accepts its neighbour", () => {
  it.each(corpus)("$name: $verdict", async ({ token, facts, verdict, laterMillis }) => {
    const presented = token(tools);
    const now = addMillis(world.clock.now(), laterMillis ?? 0);
    const options = facts === undefined ? {} : { facts };
    for (const [name, verifySignature] of Object.entries(world.verifiers)) {
      const attestor = world.attestor({ ...options, verifySignature });
      expect([name, await verify(attestor, presented, now)]).toEqual([name, verdict]);
    }
  });

  it("asked the network for pinned keys only, however many tokens named an address or an unknown key", () => {
    expect([...new Set(world.issuer.requests)]).toEqual(["/.well-known/openid-configuration", "/keys"]);
    expect(world.issuer.keyRequests()).toBe(1);
    // Once, because the attacker's server is also the second trusted issuer.
    expect(world.attacker.requests).toEqual(["/keys"]);
  });
});

describe("attestor: the identity", () => {
  it("says who, by whose word, until when, and names the attestation without holding it", async () => {
    const claims = { jti: "t-1", "kubernetes.io": { namespace: "finance", pods: [1, 2.5] } };
    const token = tools.attest({ claims });
    const attestor = world.attestor({ facts: { replay: "once" } });
    const answer = await attestor.verify(new Redacted(token, "attestation"), world.clock.now());
    expect(answer).toEqual({
      ok: true,
      value: {
        issuer: "prod-cluster",
        issuerUrl: world.issuer.url,
        subject,
        claims: { iss: world.issuer.url, sub: subject, aud: audience, iat: tools.now, exp: tools.now + 300, ...claims },
        kind: "jwt",
        digest: await sha256(token),
        expiresAt: (tools.now + 300) * 1000,
        replay: { mode: "once", tokenId: "t-1" },
      },
    });
    expect(JSON.stringify(answer)).not.toContain(token.split(".")[2]);
  });
});
