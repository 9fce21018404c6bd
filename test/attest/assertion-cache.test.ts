/** What is remembered of a verified attestation, and everything that is still judged anew. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createAttestor } from "../../src/attest/attestor.ts";
import type { TrustedIssuer } from "../../src/domain/trusted-issuer.ts";
import { sha256 } from "../../src/kernel/digest.ts";
import { keyFetchCooldownMillis, maxKeyAgeMillis } from "../../src/kernel/limits.ts";
import { seconds } from "../../src/kernel/time.ts";
import { createWorld, verify, type World } from "./world.ts";

let world: World;
let facts: TrustedIssuer | undefined;
let signaturesChecked: number;
let present: (token: string) => Promise<string>;

beforeEach(async () => {
  world = await createWorld();
  facts = world.facts;
  signaturesChecked = 0;
  const attestor = createAttestor({
    issuerOf: (url) => (url === facts?.issuer ? facts : undefined),
    keySources: world.keySources,
    verifySignature: (signed) => {
      signaturesChecked += 1;
      return world.verifiers.node(signed);
    },
    digest: sha256,
    cacheSize: 2,
  });
  present = (token) => verify(attestor, token, world.clock.now());
});
afterEach(() => world.close());

describe("assertion cache", () => {
  it("checks the signature of a token once", async () => {
    const token = world.attest();
    expect([await present(token), await present(token), await present(token)]).toEqual([
      "accepted",
      "accepted",
      "accepted",
    ]);
    expect(signaturesChecked).toBe(1);
  });

  it("knows a token by all of its bytes", async () => {
    const token = world.attest();
    await present(token);
    expect(await present(`${token.slice(0, -2)}AA`)).toBe("signature");
    expect(await present(`${token}=`)).toBe("malformed");
    expect(await present(token)).toBe("accepted");
  });

  it("never remembers a refusal", async () => {
    const early = world.attest({ claims: { nbf: Math.floor(world.clock.now() / 1000) + 60 } });
    expect(await present(early)).toBe("not_yet_valid");
    world.clock.advance(60_000);
    expect(await present(early)).toBe("accepted");
  });

  it("judges the time anew", async () => {
    const token = world.attest({ lifetimeSeconds: 60 });
    expect(await present(token)).toBe("accepted");
    world.clock.advance(89_999);
    expect(await present(token)).toBe("accepted");
    world.clock.advance(1);
    expect(await present(token)).toBe("expired");
    world.clock.jumpWall(-120_001);
    expect(await present(token)).toBe("not_yet_valid");
  });

  it("forgets when the key is gone, inside the bound for keys", async () => {
    const key = world.issuer.addKey("ES256", "short-lived");
    world.issuer.addKey("ES256", "next");
    const token = world.attest({ key, lifetimeSeconds: 3600 });
    expect(await present(token)).toBe("accepted");
    world.issuer.removeKey("short-lived");
    world.clock.advance(maxKeyAgeMillis);
    expect(await present(token)).toBe("unknown_key");
  });

  it("keeps what it knows when a refresh brings the same keys", async () => {
    const token = world.attest({ lifetimeSeconds: 3600 });
    await present(token);
    world.clock.advance(maxKeyAgeMillis);
    expect(await present(token)).toBe("accepted");
    expect([world.issuer.keyRequests(), signaturesChecked]).toEqual([2, 1]);
  });

  it("verifies anew when the keys changed, and accepts where the key stayed", async () => {
    const token = world.attest({ lifetimeSeconds: 3600 });
    await present(token);
    const added = world.issuer.addKey("ES256", "added");
    world.clock.advance(keyFetchCooldownMillis);
    expect(await present(world.attest({ key: added }))).toBe("accepted");
    expect(await present(token)).toBe("accepted");
    expect(signaturesChecked).toBe(3);
  });

  it("asks the reloaded policy", async () => {
    const token = world.attest();
    expect(await present(token)).toBe("accepted");
    facts = { ...world.facts, maxLifetimeSeconds: seconds(60) };
    expect(await present(token)).toBe("lifetime");
    facts = { ...world.facts, audience: "https://moved.example" };
    expect(await present(token)).toBe("audience");
    facts = undefined;
    expect(await present(token)).toBe("unknown_issuer");
    facts = world.facts;
    expect(await present(token)).toBe("accepted");
  });

  it("remembers no token that is good for one use", async () => {
    facts = { ...world.facts, replay: "once" };
    const token = world.attest({ claims: { jti: "t-1" } });
    expect([await present(token), await present(token)]).toEqual(["accepted", "accepted"]);
    expect(signaturesChecked).toBe(2);
  });

  it("holds no more than its size, the least recently used going first", async () => {
    const [first, second, third] = ["a", "b", "c"].map((subject) => world.attest({ subject }));
    for (const token of [first, second, first, third, first]) await present(token ?? "");
    expect(signaturesChecked).toBe(3);
    await present(second ?? "");
    expect(signaturesChecked).toBe(4);
  });
});
