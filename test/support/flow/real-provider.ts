/**
 * The whole way of a credential that a real system makes: attested, exchanged, used there, its task ended, refused there.
 * Prints how long it was of use after the end was asked for.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../../src/kernel/canonical-json.ts";
import type { Body } from "./client.ts";
import { isOnSqlite } from "../ledger-kind.ts";
import { eventuallyTrue } from "./eventually.ts";
import { policyResources } from "./policy.ts";
import { startFlow, type FlowWorld } from "./world.ts";

export interface RealSystem {
  /** Of a Provider. */
  readonly provider: JsonObject;
  /** Of a CredentialTemplate, beside provider, agents and lifetime. */
  readonly template: JsonObject;
  readonly env: Readonly<Record<string, string>>;
  /** Uses what `/token` answered, at the system itself, for what it is for. */
  works(answer: Body): Promise<boolean>;
  /** Uses it for something else. */
  oversteps(answer: Body): Promise<boolean>;
  close(): Promise<void>;
}

/** What a kill takes at the system does not depend on the ledger: the figures are those of the default one. */
const tasks = isOnSqlite ? 20 : 2;
const leasesPerTask = 10;

export function describeRealProvider(
  name: string,
  verdict: "dead-verified" | "dead-unverified",
  startSystem: () => Promise<RealSystem>,
): void {
  describe(`${name}, through the broker`, () => {
    let system: RealSystem;
    let world: FlowWorld;

    beforeAll(async () => {
      system = await startSystem();
      world = await startFlow({ env: system.env, resources: ({ places }) => withSystem(system, places) });
    }, 120_000);
    afterAll(async () => {
      await world?.close();
      await system?.close();
    });

    async function issue(task: string): Promise<Body> {
      const { status, body, text } = await world.exchange({ task, template: "real" });
      if (status !== 200) throw new Error(`the exchange was answered ${status}: ${text}`);
      return body;
    }
    const openTask = (): Promise<string> => world.openTask({ templates: [{ template: "real" }] });

    it("works for its task and for nothing else, and is refused when the task has ended", async () => {
      const task = await openTask();
      const answer = await issue(task);
      expect([await system.works(answer), await system.oversteps(answer)]).toEqual([true, false]);
      const ended = await world.end(task);
      expect(ended.body.summary).toMatchObject({ live: 0, dead: 1, stuck: 0 });
      expect((await world.leasesOf(task)).map((lease) => lease.verdict)).toEqual([verdict]);
      expect(await system.works(answer)).toBe(false);
      expect((await world.exchange({ task, template: "real" })).body.reason).toBe("task_ended");
    });

    it(`dies with its task, ${tasks * leasesPerTask} of them`, { timeout: 180_000 }, async () => {
      const millis: number[] = [];
      for (let count = 0; count < tasks; count += 1) {
        const task = await openTask();
        const answers = await Promise.all(Array.from({ length: leasesPerTask }, () => issue(task)));
        expect(await Promise.all(answers.map((answer) => system.works(answer)))).not.toContain(false);
        const askedAt = performance.now();
        const ending = world.end(task, { waitSeconds: 30 });
        const refused = answers.map(async (answer) => {
          await eventuallyTrue("it is refused", async () => !(await system.works(answer)), 60_000);
          millis.push(performance.now() - askedAt);
        });
        await Promise.all(refused);
        expect((await ending).body.summary).toMatchObject({ live: 0, dead: leasesPerTask });
      }
      millis.sort((left, right) => left - right);
      const at = (share: number): string => (millis[Math.ceil(share * millis.length) - 1] ?? Number.NaN).toFixed(0);
      console.log(`${name}: end of a task to refused use, ${millis.length}: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`);
      expect(millis).toHaveLength(tasks * leasesPerTask);
    });
  });
}

export function withSystem(
  { provider, template }: Pick<RealSystem, "provider" | "template">,
  places: Parameters<typeof policyResources>[0],
): readonly JsonObject[] {
  const resource = (kind: string, name: string, spec: JsonObject): JsonObject => ({
    apiVersion: "mayfly.dev/v1",
    kind,
    metadata: { name },
    spec,
  });
  return [
    ...policyResources(places),
    resource("Provider", "real", provider),
    resource("CredentialTemplate", "real", {
      provider: "real",
      agents: ["*"],
      actionClass: "read",
      sensitivity: "internal",
      ttl: { defaultSeconds: 300, maxSeconds: 900 },
      ...template,
    }),
  ];
}
