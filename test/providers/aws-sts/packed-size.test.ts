/** What STS says of a session policy's packed size, which no server here computes: told from 80 percent on. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NearLimit } from "../../../src/ports/provider.ts";
import { startScriptedSts, type ScriptedSts } from "../../support/scripted-sts.ts";

let sts: ScriptedSts;
beforeAll(async () => {
  sts = await startScriptedSts();
});
afterAll(() => sts?.close());

const packed = (percent: number): string => `<PackedPolicySize>${percent}</PackedPolicySize>`;

describe("aws-sts: packed policy size", () => {
  it.each<[string, string, NearLimit | undefined]>([
    ["is not said", "", undefined],
    ["is no number", "<PackedPolicySize>canary</PackedPolicySize>", undefined],
    ["is small", packed(6), undefined],
    ["is below the mark", packed(79), undefined],
    ["is at the mark", packed(80), { limit: "packed_policy_size", percent: 80 }],
    ["is full", packed(100), { limit: "packed_policy_size", percent: 100 }],
  ])("%s", async (_, said, nearLimit) => {
    const outcome = await sts.mint(said);
    if (outcome.kind !== "minted") throw new Error(`${outcome.kind}: ${outcome.reason}`);
    expect(outcome.minted.nearLimit).toEqual(nearLimit);
  });
});
