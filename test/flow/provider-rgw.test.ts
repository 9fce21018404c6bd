/** Sessions of a real STS, from attestation to a refused read at S3. */
import { Redacted } from "../../src/kernel/redacted.ts";
import type { JsonObject } from "../../src/kernel/canonical-json.ts";
import { bucket, startRgwWorld } from "../support/rgw-world.ts";
import { describeRealProvider } from "../support/flow/real-provider.ts";
import type { Body } from "../support/flow/client.ts";

describeRealProvider("aws-sts, on a RADOS gateway", "dead-verified", async () => {
  const world = await startRgwWorld();
  const role = await world.makeRole("flow");
  const reads = ({ credential = {} }: Body, key?: string): Promise<boolean> => {
    const value = new Redacted(credential as JsonObject, "session");
    return world.reads({ kind: "structured", type: "aws", value }, key);
  };
  const probe = { bucket, key: "emea/total", endpoint: world.rgw.url };
  return {
    provider: { type: "aws-sts", ...world.options([role], { maxSessions: 300, probe }) },
    template: {
      scope: { role, statements: [{ actions: ["s3:GetObject"], resources: [`arn:aws:s3:::${bucket}/emea/*`] }] },
    },
    env: world.secrets,
    works: (answer) => reads(answer),
    oversteps: (answer) => reads(answer, "apac/total"),
    close: () => world.close(),
  };
});
