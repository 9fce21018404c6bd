/** The aws-sts provider on a role of its own with a ledger that keeps what was killed denied. */
import { expect } from "vitest";
import { awsStsProviderType } from "../../providers/aws-sts/index.ts";
import type { AwsStsScope } from "../../providers/aws-sts/scope.ts";
import type { Lease } from "../../src/domain/lease.ts";
import type { Verdict } from "../../src/domain/verdict.ts";
import type { JsonObject } from "../../src/kernel/canonical-json.ts";
import { epochMillis } from "../../src/kernel/time.ts";
import type { Redacted } from "../../src/kernel/redacted.ts";
import type { Credential, MintOutcome, MintRequest, Provider, ProviderTools } from "../../src/ports/provider.ts";
import { dyingLease, mintRequest } from "./provider-requests.ts";
import { createProvider, createTestTools } from "./provider-tools.ts";
import { bucket, type RgwWorld } from "./rgw-world.ts";

export interface LiveSession {
  readonly lease: Lease;
  readonly credential: Credential;
  readonly secret: Redacted | null;
}

export interface AwsStage {
  readonly role: string;
  readonly roleName: string;
  readonly policyName: string;
  readonly provider: Provider;
  mint(wish?: Wish): Promise<MintOutcome>;
  /** A mint that must work, used once. */
  live(wish?: Wish): Promise<LiveSession>;
  kill(session: Pick<LiveSession, "lease"> & Partial<LiveSession>): Promise<Verdict>;
  findUndone(...sessions: readonly LiveSession[]): Promise<readonly string[]>;
  check(): Promise<string>;
  close(): Promise<void>;
}
type Wish = Partial<MintRequest<AwsStsScope>> & { readonly ttlMillis?: number };

const never = new AbortController().signal;

/** A real gateway, or IAM by the book. */
type StageWorld = Pick<RgwWorld, "reads" | "options" | "secrets" | "makeRole">;

export async function startAwsStage(
  world: StageWorld,
  roleName: string,
  wish: {
    options?: JsonObject;
    tools?: Partial<ProviderTools>;
    trust?: JsonObject;
    secrets?: Record<string, string>;
  } = {},
): Promise<AwsStage> {
  const role = await world.makeRole(roleName, wish.trust);
  const killed = new Map<string, Lease>();
  const base = await createTestTools({ secrets: { ...world.secrets, ...wish.secrets }, ...wish.tools });
  async function* denied() {
    yield* killed.values();
  }
  const tools = { ...base, ledger: { ...base.ledger, denied, ...wish.tools?.ledger } };
  const provider = await createProvider(awsStsProviderType, world.options([role], wish.options), tools);
  const statements = [{ actions: ["s3:GetObject"], resources: [`arn:aws:s3:::${bucket}/\${parameters.region}/*`] }];
  const template = provider.parseScope({ role, statements });
  const scope = template.ok ? template.value.fill({ region: "emea" }) : template;
  if (!scope.ok) throw new Error(`${scope.fault.path} ${scope.fault.message}`);

  async function mint({ ttlMillis = 120_000, ...more }: Wish = {}): Promise<MintOutcome> {
    const now = epochMillis(Date.now());
    return provider.mint(
      mintRequest(scope.ok ? scope.value : undefined, { now, expiresAt: epochMillis(now + ttlMillis), ...more }),
    );
  }

  return {
    role,
    roleName,
    policyName: `MayflyRevocations-${tools.ledger.mark}-${tools.name}`,
    provider,
    mint,
    async live(more = {}) {
      const request = mintRequest(null, more as object);
      const { leaseId, taskId } = request;
      const handle = provider.plan({ leaseId, taskId, scope: scope.ok ? scope.value : undefined }).handle;
      const outcome = await mint({ ...more, leaseId, taskId, handle });
      if (outcome.kind !== "minted") throw new Error(JSON.stringify(outcome));
      const { credential, secretToKeep, nativeExpiresAt } = outcome.minted;
      expect(await world.reads(credential)).toBe(true);
      const now = epochMillis(Date.now());
      const lease = dyingLease({ id: leaseId, taskId, handle, nativeExpiresAt, createdAt: now, mintAbortAt: now });
      return { lease, credential, secret: secretToKeep };
    },
    async kill({ lease, secret = null }) {
      killed.set(lease.id, lease);
      return provider.revoke({ lease, secret, now: epochMillis(Date.now()), signal: AbortSignal.timeout(10_000) });
    },
    async findUndone(...sessions) {
      const leases = sessions.map(({ lease }) => lease);
      const found = await provider.findUndone?.({ leases, now: epochMillis(Date.now()), signal: never });
      if (found?.ok !== true) throw new Error(found?.fault ?? "no guard");
      return found.value;
    },
    async check() {
      const checked = await provider.check(never);
      return checked.ok ? "ok" : checked.fault;
    },
    async close() {
      await provider.close();
      await base.close();
    },
  };
}
