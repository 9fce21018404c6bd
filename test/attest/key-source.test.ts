/** How an issuer's keys are fetched, kept and dropped, against a real server that behaves, breaks and lies. */
import type { RequestListener, ServerResponse } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  keyFetchCooldownMillis,
  keyRefreshAheadMillis,
  maxKeyAgeMillis,
  maxKeysPerSet,
  maxKeySetBytes,
  maxStaleKeyAgeMillis,
} from "../../src/kernel/limits.ts";
import { discoveryPath } from "../support/issuer-server.ts";
import { createKeySource } from "../../src/attest/key-source.ts";
import { createTestKey } from "../support/issuer.ts";
import { createWorld, verify, type World } from "./world.ts";

let world: World;

beforeEach(async () => {
  world = await createWorld();
});
afterEach(() => world.close());

const presentAll = (tokens: readonly string[]): Promise<string[]> => {
  const attestor = world.attestor();
  return Promise.all(tokens.map((token) => verify(attestor, token, world.clock.now())));
};
const present = async (token: string): Promise<string | undefined> => (await presentAll([token]))[0];
const unknownKeys = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => world.attest({ header: { kid: `unknown-${index}` } }));
const many = (count: number, verdict: string): string[] => Array.from({ length: count }, () => verdict);

/** Discovery still works; the keys are answered like this. */
const answerKeys = (listener: RequestListener): void =>
  world.issuer.misbehave((request, response) => {
    if (request.url !== discoveryPath) return listener(request, response);
    response.end(JSON.stringify({ issuer: world.issuer.url, jwks_uri: `${world.issuer.url}/keys` }));
  });
const answerKeysWith = (body: string): void => answerKeys((_, response) => response.end(body));
const goDown: RequestListener = (_, response) => response.writeHead(500).end();

describe("key source: at most one fetch", () => {
  it("coalesces the first requests", async () => {
    expect(await presentAll(Array.from({ length: 50 }, () => world.attest()))).toEqual(many(50, "accepted"));
    expect(world.issuer.keyRequests()).toBe(1);
  });

  it("fetches once a cool-down, however many unknown keys are named", async () => {
    expect(await present(world.attest())).toBe("accepted");
    expect(await presentAll(unknownKeys(50))).toEqual(many(50, "unknown_key"));
    expect(world.issuer.keyRequests()).toBe(1);
    world.clock.advance(keyFetchCooldownMillis);
    expect(await presentAll(unknownKeys(50))).toEqual(many(50, "unknown_key"));
    expect(world.issuer.keyRequests()).toBe(2);
    expect(await present(world.attest())).toBe("accepted");
  });

  it.each([
    { name: "errors", listener: goDown },
    { name: "an empty set", listener: (_, response) => response.end(`{"keys":[]}`) },
    { name: "nonsense", listener: (_, response) => response.end("<html>") },
    { name: "broken connections", listener: (request) => request.socket.destroy() },
  ] satisfies { name: string; listener: RequestListener }[])(
    "fetches once a cool-down while the server answers with $name",
    async ({ listener }) => {
      answerKeys(listener);
      for (let round = 1; round <= 3; round += 1) {
        expect(await presentAll(unknownKeys(10))).toEqual(many(10, "keys_unavailable"));
        expect(await presentAll(unknownKeys(10))).toEqual(many(10, "keys_unavailable"));
        expect(world.issuer.keyRequests()).toBe(round);
        world.clock.advance(keyFetchCooldownMillis);
      }
      world.issuer.misbehave(undefined);
      expect(await present(world.attest())).toBe("accepted");
    },
  );

  it("counts the cool-down from the end of a fetch, and claims it before", async () => {
    const waiting: (() => void)[] = [];
    answerKeys((_, response) => waiting.push(() => response.writeHead(500).end()));
    const first = presentAll(unknownKeys(5));
    await expect.poll(() => waiting.length).toBe(1);
    world.clock.advance(2 * keyFetchCooldownMillis);
    const second = presentAll(unknownKeys(5));
    waiting[0]?.();
    expect(await first).toEqual(many(5, "keys_unavailable"));
    expect(await second).toEqual(many(5, "keys_unavailable"));
    expect(await presentAll(unknownKeys(5))).toEqual(many(5, "keys_unavailable"));
    expect(world.issuer.keyRequests()).toBe(1);
  });

  it("fetches nothing for a known key that does not fit the algorithm", async () => {
    expect(await present(world.attest())).toBe("accepted");
    world.clock.advance(keyFetchCooldownMillis);
    const attestor = world.attestor({ facts: { algorithms: ["ES384"] } });
    expect(await verify(attestor, world.attest({ header: { alg: "ES384" } }), world.clock.now())).toBe("algorithm");
    expect(world.issuer.keyRequests()).toBe(1);
  });

  it("claims the cool-down even where the fetch itself breaks", async () => {
    let loads = 0;
    const source = createKeySource({
      load: () => Promise.reject(new Error(`broken ${(loads += 1)}`)),
      clock: world.clock,
      onFault: () => {},
    });
    await expect(source.current()).rejects.toThrow("broken 1");
    expect(await source.current()).toBeUndefined();
    expect(loads).toBe(1);
  });

  it("gives each issuer its own budget", async () => {
    const url = `${world.attacker.url}/trusted`;
    world.trusted.set(url, { ...world.facts, issuer: url, keys: { kind: "url", url: `${world.attacker.url}/keys` } });
    expect(await present(world.attest())).toBe("accepted");
    world.clock.advance(keyFetchCooldownMillis);
    await presentAll(
      unknownKeys(20).map((_, index) => world.attest({ claims: { iss: url }, header: { kid: `flood-${index}` } })),
    );
    const rotated = world.issuer.addKey("ES256", "rotated");
    expect(await present(world.attest({ key: rotated }))).toBe("accepted");
  });
});

describe("key source: good keys stay, removed keys go", () => {
  it("picks up a new key at once when the cool-down has passed, and not before", async () => {
    expect(await present(world.attest())).toBe("accepted");
    const rotated = world.issuer.addKey("ES256", "rotated");
    expect(await present(world.attest({ key: rotated }))).toBe("unknown_key");
    world.clock.advance(keyFetchCooldownMillis);
    expect(await present(world.attest({ key: rotated }))).toBe("accepted");
  });

  it("drops a removed key inside the bound", async () => {
    const old = world.issuer.addKey("ES256", "old");
    world.issuer.addKey("ES256", "new");
    expect(await present(world.attest({ key: old }))).toBe("accepted");
    world.issuer.removeKey("old");
    world.clock.advance(maxKeyAgeMillis - 1);
    await present(world.attest());
    world.clock.advance(1);
    expect(await present(world.attest({ key: old }))).toBe("unknown_key");
    expect(await present(world.attest())).toBe("accepted");
  });

  it.each([
    ["an error", goDown],
    ["an empty set", (_, response) => response.end(`{"keys":[]}`)],
    ["a set without a usable key", (_, response) => response.end(`{"keys":[{"kty":"oct","k":"AAAA"}]}`)],
    ["a body above the cap", (_, response) => response.end(`{"keys":[],"pad":"${"x".repeat(maxKeySetBytes)}"}`)],
    [
      "an endless body",
      (_, response) =>
        void setImmediate(function more() {
          if (response.write("x".repeat(65_536))) setImmediate(more);
          else response.once("drain", more);
        }),
    ],
    [
      "half an answer",
      (_, response) => {
        response.writeHead(200, { "content-length": 100 });
        response.write("{");
        response.destroy();
      },
    ],
  ] satisfies [string, RequestListener][])("keeps them after %s, for a bounded time", async (_, listener) => {
    expect(await present(world.attest())).toBe("accepted");
    answerKeys(listener);
    world.clock.advance(maxKeyAgeMillis);
    expect(await present(world.attest())).toBe("accepted");
    expect(world.issuer.keyRequests()).toBe(2);
    world.clock.advance(maxStaleKeyAgeMillis - maxKeyAgeMillis - 1);
    expect(await present(world.attest())).toBe("accepted");
    world.clock.advance(keyFetchCooldownMillis);
    expect(await present(world.attest())).toBe("keys_unavailable");
    world.issuer.misbehave(undefined);
    world.clock.advance(keyFetchCooldownMillis);
    expect(await present(world.attest())).toBe("accepted");
  });

  it("refuses a set with too many keys, and takes one with as many as allowed", async () => {
    const good = world.issuer.addKey("ES256", "good");
    const { publicJwk } = createTestKey("ES256", "filler");
    const fillers = Array.from({ length: maxKeysPerSet - 1 }, (_, index) => ({ ...publicJwk, kid: `filler-${index}` }));
    answerKeysWith(JSON.stringify({ keys: [...fillers, good.publicJwk, publicJwk] }));
    expect(await present(world.attest({ key: good }))).toBe("keys_unavailable");
    answerKeysWith(JSON.stringify({ keys: [...fillers, good.publicJwk] }));
    world.clock.advance(keyFetchCooldownMillis);
    expect(await present(world.attest({ key: good }))).toBe("accepted");
  });

  it("refreshes beside the requests, so that none waits for a slow server", async () => {
    expect(await present(world.attest())).toBe("accepted");
    const held: ServerResponse[] = [];
    world.issuer.misbehave((_, response) => held.push(response));
    world.clock.advance(keyRefreshAheadMillis);
    expect(await present(world.attest())).toBe("accepted");
    await expect.poll(() => held.length).toBe(1);
    held[0]?.destroy();
  });

  it("counts age from the start of a fetch, since when the answer may have been old", async () => {
    const old = world.issuer.addKey("ES256", "old");
    const keys = JSON.stringify(world.issuer.keySet());
    const held: ServerResponse[] = [];
    answerKeys((_, response) => held.push(response));
    const first = present(world.attest({ key: old }));
    await expect.poll(() => held.length).toBe(1);
    world.clock.advance(2000);
    held[0]?.end(keys);
    expect(await first).toBe("accepted");
    world.issuer.removeKey("old");
    world.issuer.misbehave(undefined);
    world.clock.advance(maxKeyAgeMillis - 2000);
    expect(await present(world.attest({ key: old }))).toBe("unknown_key");
  });

  it("measures age without the wall clock", async () => {
    const old = world.issuer.addKey("ES256", "old");
    world.issuer.addKey("ES256", "new");
    expect(await present(world.attest({ key: old }))).toBe("accepted");
    world.issuer.removeKey("old");
    world.clock.jumpWall(-maxStaleKeyAgeMillis);
    world.clock.advance(maxKeyAgeMillis);
    expect(await present(world.attest({ key: old }))).toBe("unknown_key");
  });
});
