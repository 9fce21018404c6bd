/** The sealing ring: opens what it sealed, for the same lease and key only; refuses every ring with a mistake. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { generateSealingKeys } from "../../src/keys/generate.ts";
import { parseSealingKeys } from "../../src/keys/sealing-keys.ts";
import { createSealingRing } from "../../src/keys/sealing-ring.ts";
import { base64UrlFromBytes } from "../../src/kernel/base64url.ts";
import { leaseIdOf } from "../../src/kernel/ids.ts";
import { Redacted } from "../../src/kernel/redacted.ts";
import type { Sealer } from "../../src/ports/sealer.ts";

const entropy = { bytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)) };
const freshKey = (): string => base64UrlFromBytes(entropy.bytes(32));
const lease = leaseIdOf(1, "00aaaaaaaa");
const otherLease = leaseIdOf(2, "00aaaaaaaa");
const k1 = freshKey();
const k2 = freshKey();

async function ringOf(ring: unknown): Promise<Sealer> {
  const keys = parseSealingKeys(new Redacted(JSON.stringify(ring), "ring"));
  if (!keys.ok) throw new Error(keys.fault.message);
  return createSealingRing(keys.value, entropy);
}

describe("sealing ring", () => {
  it("opens what it sealed, for any text", async () => {
    const ring = await ringOf({ active: "k1", keys: { k1 } });
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "grapheme", maxLength: 300 }), async (text) => {
        const sealed = await ring.seal(new Redacted(text, "secret"), lease);
        const opened = await ring.open(sealed, lease);
        expect(opened.ok && opened.value.reveal()).toBe(text);
        expect(text.length > 8 && sealed.includes(text)).toBe(false);
      }),
      { numRuns: 50 },
    );
  });

  it("seals the same secret differently each time", async () => {
    const ring = await ringOf({ active: "k1", keys: { k1 } });
    const secret = new Redacted("same", "secret");
    expect(await ring.seal(secret, lease)).not.toBe(await ring.seal(secret, lease));
  });

  it("rotation: seals with the active key, opens with every key, refuses a key that left", async () => {
    const before = await ringOf({ active: "k1", keys: { k1 } });
    const during = await ringOf({ active: "k2", keys: { k1, k2 } });
    const after = await ringOf({ active: "k2", keys: { k2 } });
    const old = await before.seal(new Redacted("old", "secret"), lease);
    const young = await during.seal(new Redacted("young", "secret"), lease);

    expect([old, young].map((sealed) => sealed.split(".")[0])).toEqual(["k1", "k2"]);
    expect(during.keyIds()).toEqual(["k1", "k2"]);
    expect((await during.open(old, lease)).ok).toBe(true);
    expect((await after.open(young, lease)).ok).toBe(true);
    expect(await after.open(old, lease)).toEqual({ ok: false, fault: { reason: "unknown_key" } });
  });

  it("does not open for another lease", async () => {
    const ring = await ringOf({ active: "k1", keys: { k1 } });
    const sealed = await ring.seal(new Redacted("mine", "secret"), lease);
    expect((await ring.open(sealed, lease)).ok).toBe(true);
    expect(await ring.open(sealed, otherLease)).toEqual({ ok: false, fault: { reason: "corrupt" } });
  });

  it("does not open under another key id, even with the same key bytes", async () => {
    const sealed = await (await ringOf({ active: "k1", keys: { k1 } })).seal(new Redacted("a", "secret"), lease);
    const renamed = await ringOf({ active: "k9", keys: { k9: k1 } });
    expect((await renamed.open(sealed.replace("k1.", "k9."), lease)).ok).toBe(false);
  });

  it("refuses every changed character", async () => {
    const ring = await ringOf({ active: "k1", keys: { k1 } });
    const sealed = await ring.seal(new Redacted("intact", "secret"), lease);
    const changed = Array.from(
      sealed,
      (letter, at) => `${sealed.slice(0, at)}${letter === "A" ? "B" : "A"}${sealed.slice(at + 1)}`,
    );
    const broken = ["", ".", "..", "k1..", `${sealed}.`, `${sealed}.x`, sealed.slice(0, -1), "k1.AAAA.AAAA"];
    const opened: string[] = [];
    for (const text of [...changed, ...broken]) if ((await ring.open(text, lease)).ok) opened.push(text);
    expect((await ring.open(sealed, lease)).ok).toBe(true);
    expect(opened).toEqual([]);
  });
});

describe("sealing keys", () => {
  it("takes a generated ring", async () => {
    const keys = parseSealingKeys(generateSealingKeys(entropy));
    expect(keys.ok && [...keys.value.keys.keys()]).toEqual([expect.stringMatching(/^k[\w-]{8}$/)]);
  });

  it("two generated rings never name their keys alike", () => {
    const ids = [1, 2]
      .map(() => parseSealingKeys(generateSealingKeys(entropy)))
      .map((keys) => keys.ok && keys.value.active);
    expect(ids[0]).not.toBe(ids[1]);
  });

  it.each([
    ["white space around", `  {\n "active": "k1",\t"keys": {"k1": "${k1}"} }\n`],
    ["two keys", `{"active":"k1","keys":{"k1":"${k1}","k2":"${k2}"}}`],
  ])("accepts %s", (_, text) => expect(parseSealingKeys(new Redacted(text, "ring")).ok).toBe(true));

  it.each([
    ["no JSON", `k1=${k1}`, "", "is not JSON"],
    ["an array", `[]`, "", "must be a JSON object"],
    ["null", `null`, "", "must be a JSON object"],
    ["an unknown member", `{"active":"k1","keys":{"k1":"${k1}"},"more":1}`, "", "besides active and keys"],
    ["no active", `{"keys":{"k1":"${k1}"}}`, "active", "must name the key"],
    ["an active key that is missing", `{"active":"k2","keys":{"k1":"${k1}"}}`, "active", "not in keys"],
    ["no keys", `{"active":"k1","keys":{}}`, "keys", "holds no key"],
    ["a short key", `{"active":"k1","keys":{"k1":"${k1.slice(0, 40)}"}}`, "keys.k1", "must be 32 bytes"],
    ["a long key", `{"active":"k1","keys":{"k1":"${k1}AAAA"}}`, "keys.k1", "must be 32 bytes"],
    ["padding", `{"active":"k1","keys":{"k1":"${k1}="}}`, "keys.k1", "must be 32 bytes"],
    ["a key that is no text", `{"active":"k1","keys":{"k1":7}}`, "keys.k1", "must be 32 bytes"],
    ["a key of zeros", `{"active":"k1","keys":{"k1":"${"A".repeat(43)}"}}`, "keys.k1", "is not random"],
    ["one key twice", `{"active":"k1","keys":{"k1":"${k1}","k2":"${k1}"}}`, "keys.k2", "the same key"],
    ["a repeated key id", `{"active":"k1","keys":{"k1":"${k1}","k1":"${k2}"}}`, "", "repeats a member"],
    ["a key id with a dot", `{"active":"k.1","keys":{"k.1":"${k1}"}}`, "keys", "key id"],
    ["a numeric key id", `{"active":"1","keys":{"1":"${k1}"}}`, "keys", "key id"],
  ])("refuses %s", (_, text, path, message) => {
    const parsed = parseSealingKeys(new Redacted(text, "ring"));
    expect(parsed).toEqual({ ok: false, fault: { path, message: expect.stringContaining(message) } });
    expect(JSON.stringify(parsed)).not.toContain(k1.slice(0, 12));
  });
});
