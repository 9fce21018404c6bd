/** An AWS session through the whole broker: asked for over HTTP, used, ended with its task, and kept dead. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { awsStsProviderType } from "../../../providers/aws-sts/index.ts";
import { createDriftProviders } from "../../../src/broker/drift/ask-provider.ts";
import { guardKills } from "../../../src/broker/drift/guard-kills.ts";
import { createProviderLedger } from "../../../src/broker/provider-ledger.ts";
import { targetName } from "../../../src/domain/names.ts";
import type { JsonObject } from "../../../src/kernel/canonical-json.ts";
import { Redacted } from "../../../src/kernel/redacted.ts";
import type { Credential } from "../../../src/ports/provider.ts";
import { createWorld, policy, type World } from "../../http/world.ts";
import { providerName } from "../../support/builders.ts";
import { createProvider, createTestTools } from "../../support/provider-tools.ts";
import { realClock } from "../../support/real-clock.ts";
import { bucket, type RgwWorld } from "../../support/rgw-world.ts";
import { createSeededEntropy } from "../../support/seeded-entropy.ts";
import { silentLog, silentMetrics } from "../../support/silent.ts";

const name = providerName("reports-account");
const roleName = "through-the-broker";
const maxSessions = 4;

const resources = (options: JsonObject, role: string): string => `${policy}---
apiVersion: mayfly.dev/v1
kind: Provider
metadata: { name: ${name} }
spec: ${JSON.stringify({ type: "aws-sts", ...options })}
---
apiVersion: mayfly.dev/v1
kind: CredentialTemplate
metadata: { name: reports-read }
spec:
  provider: ${name}
  agents: ["*"]
  actionClass: read
  sensitivity: internal
  ttl: { defaultSeconds: 120, maxSeconds: 900 }
  parameters:
    region: { type: string, enum: [emea, apac], default: emea }
  scope:
    role: "${role}"
    statements: [{ actions: ["s3:GetObject"], resources: ["arn:aws:s3:::${bucket}/\${parameters.region}/*"] }]
`;

export function describeThroughBroker(rgw: () => RgwWorld): void {
  describe("aws-sts through the broker", () => {
    let world: World;
    let options: JsonObject;
    beforeAll(async () => {
      options = rgw().options([await rgw().makeRole(roleName)], { maxSessions });
      const [role] = options["roles"] as readonly string[];
      world = await createWorld({ policy: resources(options, role ?? ""), secrets: rgw().secrets, kills: true });
    });
    beforeEach(() => rgw().proxy.heal());
    afterAll(() => world?.close());

    const open = (): Promise<string> => world.openTask({ templates: [{ template: "reports-read" }] });
    const ask = (task: string) => world.exchange({ scope: "reports-read", task_id: task });
    const reads = (credential: Credential): Promise<boolean> => rgw().reads(credential);
    async function issued(task: string): Promise<Credential> {
      const { body, status, text } = await ask(task);
      expect([status, status === 200 ? "" : text]).toEqual([200, ""]);
      const { type, ...value } = body["credential"] as JsonObject;
      expect(type).toBe("aws");
      return { kind: "structured", type: "aws", value: new Redacted(value, "aws session") };
    }
    async function end(task: string) {
      const request = { as: "planner", json: { outcome: "completed" }, headers: { prefer: "wait=20" } } as const;
      const { body } = await world.send("POST", `/tasks/${task}/end`, request);
      return body["leases"] as readonly { readonly state: string; readonly verdict: string }[];
    }

    it("ends with its task, and not with another", async () => {
      const [ended, other] = [await open(), await open()];
      const [doomed, spared] = [await issued(ended), await issued(other)];
      expect([await reads(doomed), await reads(spared)]).toEqual([true, true]);
      expect(await end(ended)).toMatchObject([{ state: "revoked", verdict: "dead-unverified" }]);
      expect([await reads(doomed), await reads(spared)]).toEqual([false, true]);
    });

    it("is killed again when somebody takes its denial away", async () => {
      const task = await open();
      const credential = await issued(task);
      await end(task);
      const policyName = `MayflyRevocations-testledger-${name}`;
      await rgw().editor.drop(roleName, policyName);
      expect(await reads(credential)).toBe(true);
      const tools = await createTestTools({ name, secrets: rgw().secrets });
      const ledger = createProviderLedger({
        ledger: world.ledger,
        entropy: createSeededEntropy(5),
        mark: "testledger",
        name,
      });
      const guard = await createProvider(awsStsProviderType, options, { ...tools, ledger });
      const lookup = { issuing: () => guard, revoking: () => guard };
      const drift = createDriftProviders({ lookup, clock: realClock });
      const parts = { ledger: world.ledger, log: silentLog, metrics: silentMetrics, drift };
      expect(await guardKills(parts, name, [targetName(name, roleName)])).toBe(2);
      await expect.poll(() => reads(credential), { timeout: 15_000 }).toBe(false);
      await guard.close();
      await tools.close();
    });

    it("is not made where its denial would find no room any more", async () => {
      const task = await open();
      await issued(task);
      const start = rgw().proxy.seen.length;
      const refused = await ask(task);
      expect(refused.status).not.toBe(200);
      expect(refused.text).toContain("capacity");
      expect(
        rgw()
          .proxy.seen.slice(start)
          .map(({ path }) => path),
      ).not.toContain("/AssumeRole");
    });
  });
}
