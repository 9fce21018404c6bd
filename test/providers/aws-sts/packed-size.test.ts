/** What STS says of a session policy's packed size, which no server here computes: told from 80 percent on. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NearLimit } from "../../../src/ports/provider.ts";
import { startAwsStage, type AwsStage } from "../../support/aws-sts-stage.ts";
import { startScriptedIam, type ScriptedIam } from "../../support/scripted-iam.ts";

let world: ScriptedIam;
let stage: AwsStage;
beforeAll(async () => {
  world = await startScriptedIam();
  stage = await startAwsStage(world, "reports");
});
afterAll(async () => {
  await stage?.close();
  await world?.close();
});

const session = `<Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>
<SessionToken>token</SessionToken><Expiration>2126-11-22T10:15:00Z</Expiration></Credentials>`;
const answerOf = (said: string): string =>
  `<AssumeRoleResponse><AssumeRoleResult>${session}${said}</AssumeRoleResult></AssumeRoleResponse>`;
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
    world.proxy.breakPath("/AssumeRole", { kind: "answer", status: 200, body: answerOf(said) });
    const outcome = await stage.mint();
    if (outcome.kind !== "minted") throw new Error(`${outcome.kind}: ${outcome.reason}`);
    expect(outcome.minted.nearLimit).toEqual(nearLimit);
  });
});
