/** What the broker uses of the Workers runtime, in workerd, against what it uses on Node. */
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generateRings } from "../../src/entry/edge/key-rings.ts";
import { createNodeVerifier, nodeDigest } from "../../src/entry/node-signature.ts";
import { nodeSigning } from "../../src/entry/node-signing.ts";
import { parseRings } from "../../src/entry/parse-rings.ts";
import { createSystemEntropy, systemClock } from "../../src/entry/system-clock.ts";
import { base64UrlFromBytes } from "../../src/kernel/base64url.ts";
import { brand } from "../../src/kernel/brand.ts";
import type { LeaseId } from "../../src/kernel/ids.ts";
import { describeSignatures } from "../attest/describe-signatures.ts";
import { describeHttpClient } from "../entry/http-client-contract.ts";
import { askRuntime, openRemoteClient } from "../support/worker/remote-http-client.ts";
import { startWorker, type RunningWorker } from "../support/worker/workerd.ts";

const entry = fileURLToPath(new URL("../support/worker/runtime-worker.ts", import.meta.url));

let worker: RunningWorker;
beforeAll(async () => {
  worker = await startWorker({ entry, objects: { PROBE: "RuntimeProbe" } });
});
afterAll(() => worker.close());

describeHttpClient({
  name: "web http client in workerd",
  open: ({ connections, ...options }) => openRemoteClient(worker.url, { ...options, maxConnections: connections }),
  told: { untilSent: false, firstValues: false, endlessHeaders: false },
});

describeSignatures("native and workerd's", createNodeVerifier(), ({ signature, ...signed }) =>
  askRuntime(worker.url, {
    call: "verify",
    signed: { ...signed, signature: base64UrlFromBytes(signature) },
  }),
);

describe("workerd", () => {
  it.each(["", "a", "ä✓😀", "x".repeat(100_000)])("hashes %.10j as Node does", async (text) => {
    expect(await askRuntime(worker.url, { call: "digest", text })).toBe(nodeDigest(text));
  });

  it("seals what Node opens with the same ring, and publishes the same keys", async () => {
    const entropy = createSystemEntropy();
    const texts = await generateRings(entropy);
    const rings = Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, text.reveal()]));
    const lease = brand<LeaseId>("lea_0abcdefghjkmnpqrstvw");
    const made = await askRuntime<{ sealed: string; keys: unknown }>(worker.url, {
      call: "seal",
      rings,
      text: "kill token",
      lease,
    });
    const { MAYFLY_SEALING_KEYS: sealing, MAYFLY_SIGNING_KEYS: signing } = texts;
    if (sealing === undefined || signing === undefined) throw new Error("no rings");
    const here = await parseRings({ sealing, signing }, { clock: systemClock, entropy, primitive: nodeSigning });
    if (!here.ok) throw new Error(here.fault.message);
    const opened = await here.value.sealer.open(made.sealed, lease);
    expect(opened.ok && opened.value.reveal()).toBe("kill token");
    expect(made.keys).toEqual(here.value.signer.publicKeys());
  });

  it("lets those that wait for the next turn go on in their order", async () => {
    const order = await askRuntime<readonly number[]>(worker.url, { call: "turns", waiting: 50 });
    expect(order).toEqual(Array.from({ length: 50 }, (_, index) => index));
  });
});
