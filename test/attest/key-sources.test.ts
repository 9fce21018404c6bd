/** Key sources across reloads, keys from files, slow servers, and what operators are told. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createAttestor } from "../../src/attest/attestor.ts";
import type { TrustedIssuer } from "../../src/domain/trusted-issuer.ts";
import { createKeySources } from "../../src/attest/key-sources.ts";
import { createNodeHttpClient } from "../../src/entry/node-http-client.ts";
import { sha256 } from "../../src/kernel/digest.ts";
import { maxKeyAgeMillis, maxKeySetBytes } from "../../src/kernel/limits.ts";
import { err, ok } from "../../src/kernel/result.ts";
import { millis } from "../../src/kernel/time.ts";
import type { HttpClient } from "../../src/ports/http-client.ts";
import type { LogFields } from "../../src/ports/log.ts";
import { silentLog } from "../support/silent.ts";
import { createWorld, verify, type World } from "./world.ts";

let world: World;
let http: ReturnType<typeof createNodeHttpClient>;
let warnings: (LogFields | undefined)[];

beforeEach(async () => {
  world = await createWorld();
  http = createNodeHttpClient({ allowInsecureLoopback: true, maxConnectionsPerOrigin: 4 });
  warnings = [];
});
afterEach(async () => {
  await http.close();
  await world.close();
});

function attestorWith(
  facts: () => TrustedIssuer,
  options: { http?: HttpClient; file?: () => string | undefined } = {},
) {
  const keySources = createKeySources({
    http: options.http ?? http,
    clock: world.clock,
    log: { ...silentLog, warn: (_, fields) => warnings.push(fields) },
    loadText: async () => {
      const text = options.file?.();
      return text === undefined ? err("file") : ok(text);
    },
  });
  return createAttestor({
    issuerOf: (url) => (url === facts().issuer ? facts() : undefined),
    keySources,
    verifySignature: world.verifiers.node,
    digest: sha256,
    cacheSize: 0,
  });
}

describe("key sources: a policy reload", () => {
  it("keeps the keys while the location stays, and starts over when it changes", async () => {
    let facts: TrustedIssuer = world.facts;
    const attestor = attestorWith(() => facts);
    const present = () => verify(attestor, world.attest(), world.clock.now());
    expect(await present()).toBe("accepted");
    facts = { ...world.facts, algorithms: ["ES256", "RS256"] };
    expect(await present()).toBe("accepted");
    expect(world.issuer.keyRequests()).toBe(1);
    facts = { ...world.facts, keys: { kind: "url", url: `${world.issuer.url}/keys` } };
    expect(await present()).toBe("accepted");
    expect(world.issuer.keyRequests()).toBe(2);
    facts = { ...world.facts, keys: { kind: "url", url: `${world.attacker.url}/keys` } };
    // The same key id, but no longer the same key.
    expect(await present()).toBe("signature");
  });
});

describe("key sources: a file", () => {
  it("is read, and read again after a while", async () => {
    let text: string | undefined = JSON.stringify(world.issuer.keySet());
    const attestor = attestorWith(() => ({ ...world.facts, keys: { kind: "file", path: "keys.json" } }), {
      file: () => text,
    });
    expect(await verify(attestor, world.attest(), world.clock.now())).toBe("accepted");
    const rotated = world.issuer.addKey("ES256", "rotated");
    text = JSON.stringify({ keys: [rotated.publicJwk] });
    world.clock.advance(maxKeyAgeMillis);
    expect(await verify(attestor, world.attest({ key: rotated }), world.clock.now())).toBe("accepted");
    expect(await verify(attestor, world.attest({ header: { kid: "key-1" } }), world.clock.now())).toBe("unknown_key");
    expect(world.issuer.requests).toEqual([]);
  });

  it("above the cap is refused like an answer above it", async () => {
    const text = JSON.stringify(world.issuer.keySet());
    const facts: TrustedIssuer = { ...world.facts, keys: { kind: "file", path: "keys.json" } };
    const largest = attestorWith(() => facts, { file: () => text.padEnd(maxKeySetBytes) });
    expect(await verify(largest, world.attest(), world.clock.now())).toBe("accepted");
    const tooLarge = attestorWith(() => facts, { file: () => text.padEnd(maxKeySetBytes + 1) });
    expect(await verify(tooLarge, world.attest(), world.clock.now())).toBe("keys_unavailable");
  });

  it("that is gone leaves no keys and a word for the operator", async () => {
    const attestor = attestorWith(() => ({ ...world.facts, keys: { kind: "file", path: "keys.json" } }));
    expect(await verify(attestor, world.attest(), world.clock.now())).toBe("keys_unavailable");
    expect(warnings).toEqual([{ issuer: "prod-cluster", reason: "file" }]);
  });
});

describe("key sources: a slow server", () => {
  const hurried: HttpClient = { send: (request) => http.send({ ...request, timeout: millis(100) }) };

  it.each([
    ["that never answers", () => {}],
    ["that drips for ever", (write: (text: string) => void) => void setInterval(write, 10, " ").unref()],
  ])("%s holds callers no longer than the time allowed", async (_, behave) => {
    world.issuer.misbehave((_request, response) => behave((text) => !response.closed && response.write(text)));
    const attestor = attestorWith(() => world.facts, { http: hurried });
    expect(await verify(attestor, world.attest(), world.clock.now())).toBe("keys_unavailable");
    expect(warnings).toEqual([{ issuer: "prod-cluster", reason: "timeout" }]);
  });
});
