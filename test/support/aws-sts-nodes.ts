/** Nodes of a broker with an aws-sts provider on one SQLite ledger and IAM by the book, all on virtual time. */
import { awsStsProviderType } from "../../providers/aws-sts/index.ts";
import type { AwsStsScope } from "../../providers/aws-sts/scope.ts";
import { createDriftProviders } from "../../src/broker/drift/ask-provider.ts";
import { guardKills } from "../../src/broker/drift/guard-kills.ts";
import { createProviderLedger } from "../../src/broker/provider-ledger.ts";
import type { Lease } from "../../src/domain/lease.ts";
import { targetName } from "../../src/domain/names.ts";
import type { Verdict } from "../../src/domain/verdict.ts";
import type { JsonObject } from "../../src/kernel/canonical-json.ts";
import { homeOfId } from "../../src/kernel/ids.ts";
import { addMillis } from "../../src/kernel/time.ts";
import type { Credential } from "../../src/ports/provider.ts";
import { createBench, type Bench } from "../kit/ledger/bench.ts";
import { ledgerDb } from "./builders.ts";
import { createProvider, createTestTools } from "./provider-tools.ts";
import { startScriptedIam, type ScriptedIam } from "./scripted-iam.ts";
import { createSeededEntropy } from "./seeded-entropy.ts";
import { silentLog, silentMetrics } from "./silent.ts";
import { makeSqliteHarness } from "./sqlite-harness.ts";

export interface AwsNodes {
  readonly bench: Bench;
  readonly world: ScriptedIam;
  readonly roleName: string;
  /** A node that knows nothing but the ledger. */
  start(options?: JsonObject): Promise<AwsNode>;
  close(): Promise<void>;
}
export interface AwsNode {
  mint(ttlSeconds?: number): Promise<Minted>;
  /** Ordered, tried once, and what came of it recorded. */
  kill(minted: Minted): Promise<Verdict>;
  /** What is due now, tried once. */
  killDue(): Promise<readonly Verdict[]>;
  /** How many kills did not stand; null where it could not be told. */
  guard(): Promise<number | null>;
}
export interface Minted {
  readonly lease: Lease;
  readonly credential: Credential;
}

const roleName = "reports";
const statements = [{ actions: ["s3:GetObject"], resources: ["arn:aws:s3:::reports/*"] }];

export async function openAwsNodes(): Promise<AwsNodes> {
  const harness = await makeSqliteHarness();
  const bench = createBench(harness);
  const { clock } = harness;
  const world = await startScriptedIam(() => clock.now());
  const role = await world.makeRole(roleName);
  const target = targetName(ledgerDb, roleName);
  const closing: (() => Promise<void>)[] = [];
  let started = 0;

  async function start(options: JsonObject = {}): Promise<AwsNode> {
    const tools = await createTestTools({ name: ledgerDb, secrets: world.secrets, now: () => clock.now() });
    const entropy = createSeededEntropy((started += 1));
    const ledger = createProviderLedger({ ledger: harness.ledger, entropy, mark: "testledger", name: ledgerDb });
    const settings = world.options([role], options);
    const provider = await createProvider(awsStsProviderType, settings, { ...tools, ledger });
    closing.push(
      () => provider.close(),
      () => tools.close(),
    );
    const template = provider.parseScope({ role, statements });
    const filled = template.ok ? template.value.fill({}) : template;
    if (!filled.ok) throw new Error(filled.fault.message);
    const scope = filled.value as AwsStsScope;
    const signal = new AbortController().signal;

    async function attempt(claimed: { leases: readonly Lease[]; fence: string }): Promise<readonly Verdict[]> {
      return Promise.all(
        claimed.leases.map(async (lease) => {
          const verdict = await provider.revoke({ lease, secret: null, now: clock.now(), signal });
          await bench.judge({ lease, fence: claimed.fence }, verdict);
          return verdict;
        }),
      );
    }

    return {
      async mint(ttlSeconds = 900) {
        const task = await bench.opened();
        const leaseId = bench.ids.lease(homeOfId(task.id));
        const plan = provider.plan({ leaseId, taskId: task.id, scope });
        const { digest: providerDigest } = provider;
        const { handle } = plan;
        const intent = await bench.intended(task, {
          lease: { id: leaseId, target, handle, providerDigest, nativeExpiry: "full" },
          capacity: 1_000,
          ttlSeconds,
          worstCaseSeconds: ttlSeconds,
        });
        const who = { agent: "invoice-bot", subject: "invoice-bot" };
        const [now, expiresAt] = [clock.now(), addMillis(clock.now(), ttlSeconds * 1000)];
        const made = await provider.mint({ leaseId, taskId: task.id, scope, handle, ...who, expiresAt, now, signal });
        if (made.kind !== "minted") throw new Error(JSON.stringify(made));
        const { credential, nativeExpiresAt } = made.minted;
        const completion = bench.completeMint(intent, { handle: made.minted.handle, nativeExpiresAt });
        const completed = await harness.ledger.completeMint(completion);
        if (completed.kind !== "ok") throw new Error(completed.kind);
        return { lease: completed.value.lease, credential };
      },
      async kill({ lease }) {
        const { lease: dying, fence } = await bench.dying(lease);
        const [verdict] = await attempt({ leases: [dying], fence });
        if (verdict === undefined) throw new Error("nothing was tried");
        return verdict;
      },
      killDue: async () => attempt(await bench.claim({ target })),
      guard() {
        const drift = createDriftProviders({ lookup: { issuing: () => provider, revoking: () => provider }, clock });
        const parts = { ledger: harness.ledger, log: silentLog, metrics: silentMetrics, drift };
        return guardKills(parts, ledgerDb, [target]);
      },
    };
  }

  return {
    bench,
    world,
    roleName,
    start,
    async close() {
      for (const end of closing) await end();
      await world.close();
      await harness.close();
    },
  };
}
