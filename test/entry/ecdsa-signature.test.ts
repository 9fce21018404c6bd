/** DER and raw P-256 signatures name the same numbers, whatever their leading bytes. */
import { generateKeyPairSync, sign, verify } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { derFromRaw, rawFromDer } from "../../src/entry/ecdsa-signature.ts";

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"));
const half = (lead: string): string => lead.padEnd(64, "5");

describe("ecdsa signature", () => {
  it.each([
    ["plain halves", half("11") + half("22")],
    ["high bits", half("ff") + half("80")],
    ["leading zeros", half("0000") + half("00ff")],
    ["the number one", "1".padStart(64, "0") + "1".padStart(64, "0")],
    ["zero", "0".repeat(128)],
  ])("there and back: %s", (_, hex) => expect(rawFromDer(derFromRaw(bytes(hex)) ?? bytes(""))).toEqual(bytes(hex)));

  it("there and back for any 64 bytes", () =>
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 64, maxLength: 64 }), (raw) => {
        expect(rawFromDer(derFromRaw(raw) ?? bytes(""))).toEqual(raw);
      }),
    ));

  it("agrees with OpenSSL in both directions", () => {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    for (let round = 0; round < 300; round += 1) {
      const data = Buffer.from(`message ${round}`);
      const der = sign("sha256", data, privateKey);
      const raw = rawFromDer(der);
      expect(verify("sha256", data, { key: publicKey, dsaEncoding: "ieee-p1363" }, raw)).toBe(true);
      expect(derFromRaw(raw)).toEqual(new Uint8Array(der));
    }
  });

  it.each([0, 63, 65, 128])("refuses a raw signature of %d bytes", (length) =>
    expect(derFromRaw(new Uint8Array(length))).toBeUndefined(),
  );

  it.each([
    ["nothing", ""],
    ["no sequence", "3106020101020101"],
    ["a wrong length", "3007020101020101"],
    ["a second tag that is no integer", "3006020101030101"],
    ["more after it", "300602010102010100"],
    ["an integer of 34 bytes", `30270222${"01".repeat(34)}020101`],
    ["an empty integer", "300502000201"],
  ])("throws on DER with %s", (_, hex) => expect(() => rawFromDer(bytes(hex))).toThrow("not a P-256 signature"));
});
