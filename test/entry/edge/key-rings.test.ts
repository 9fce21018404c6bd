/** Key rings from a Worker's secrets: they seal and sign, and a ring that is missing or broken is told by its name. */
import { describe, expect, it } from "vitest";
import { generateRings, readEdgeKeys } from "../../../src/entry/edge/key-rings.ts";
import { createSystemEntropy, systemClock } from "../../../src/entry/system-clock.ts";
import { Redacted } from "../../../src/kernel/redacted.ts";
import { brand } from "../../../src/kernel/brand.ts";
import type { LeaseId } from "../../../src/kernel/ids.ts";

const tools = { clock: systemClock, entropy: createSystemEntropy() };
const rings = Object.fromEntries(
  Object.entries(await generateRings(tools.entropy)).map(([name, text]) => [name, text.reveal()]),
);

describe("edge key rings", () => {
  it("seal, open, sign and verify", async () => {
    const keys = await readEdgeKeys(rings, tools);
    if (!keys.ok) throw new Error(keys.fault.message);
    const { sealer, signer } = keys.value;
    const lease = brand<LeaseId>("lea_00000000000000000000");
    const opened = await sealer.open(await sealer.seal(new Redacted("kill token", "test"), lease), lease);
    expect(opened.ok && opened.value.reveal()).toBe("kill token");
    expect(signer.publicKeys()).toHaveLength(1);
  });

  it.each([
    ["MAYFLY_SEALING_KEYS", undefined, "is missing"],
    ["MAYFLY_SIGNING_KEYS", "", "is missing"],
    ["MAYFLY_SEALING_KEYS", "{}", "active must name"],
    ["MAYFLY_SIGNING_KEYS", "canary", "the ring is not JSON"],
  ])("%s as %j is refused", async (setting, text, message) => {
    const keys = await readEdgeKeys({ ...rings, [setting]: text }, tools);
    expect(keys).toEqual({
      ok: false,
      fault: { setting, message: expect.stringContaining(message), fix: expect.any(String) },
    });
    expect(JSON.stringify(keys)).not.toContain("canary");
  });
});
