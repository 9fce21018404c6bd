/** The aws-sts provider against a real STS, IAM and S3 that no one here wrote, with and without a probe. */
import { afterAll, beforeAll } from "vitest";
import { awsStsProviderType } from "../../providers/aws-sts/index.ts";
import type { Lease } from "../../src/domain/lease.ts";
import type { JsonObject } from "../../src/kernel/canonical-json.ts";
import { createProvider, createTestTools } from "../support/provider-tools.ts";
import { bucket, keysOf, startRgwWorld, type RgwWorld } from "../support/rgw-world.ts";
import { describeProvider } from "./provider/describe-provider.ts";
import type { ProviderHarness, ProviderTraits } from "./provider/harness.ts";

let world: RgwWorld;
beforeAll(async () => {
  world = await startRgwWorld();
}, 90_000);
afterAll(() => world.close());

async function start(name: string, more: () => JsonObject): Promise<ProviderHarness> {
  const { proxy } = world;
  const role = await world.makeRole(name);
  const base = await createTestTools({ secrets: world.secrets });
  /** As a ledger would keep them. */
  const killed = new Map<string, Lease>();
  const ledger = {
    ...base.ledger,
    async *denied() {
      yield* killed.values();
    },
  };
  const provider = await createProvider(awsStsProviderType, world.options([role], more()), { ...base, ledger });
  const secrets = new Set<string>([world.rgw.broker.secretAccessKey]);
  return {
    provider: {
      ...provider,
      revoke(request) {
        killed.set(request.lease.id, request.lease);
        return provider.revoke(request);
      },
    },
    scope: {
      role,
      statements: [{ actions: ["s3:GetObject"], resources: [`arn:aws:s3:::${bucket}/\${parameters.region}/*`] }],
    },
    parameters: { region: "emea" },
    system: {
      wantedScope: ["read emea"],
      async use(credential) {
        for (const secret of Object.values(keysOf(credential))) secrets.add(secret);
        return (await world.reads(credential)) ? "accepted" : "refused";
      },
      scopeOf: (credential) => world.may(credential),
    },
    path: { proxy, mint: "/AssumeRole", revoke: "/PutRolePolicy", probe: "/GetRolePolicy" },
    canaries: () => [...secrets],
    async close() {
      await provider.close();
      await base.close();
    },
  };
}

const submitted: ProviderTraits = {
  verdict: "dead-unverified",
  systemRefuses: true,
  unknownVerdict: "dead-unverified",
  remote: true,
};

describeProvider("aws-sts", submitted, () => start("reports", () => ({})));
describeProvider("aws-sts with a probe", { ...submitted, verdict: "dead-verified" }, () =>
  start("probed-reports", () => ({ probe: { bucket, key: "emea/total", endpoint: world.proxy.url } })),
);
