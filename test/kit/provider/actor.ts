/** Plays the core's part for the kit: plans, mints, probes and revokes as the broker does, and keeps every outcome. */
import type { Lease } from "../../../src/domain/lease.ts";
import type { Verdict } from "../../../src/domain/verdict.ts";
import { targetName } from "../../../src/domain/names.ts";
import { addMillis, addSeconds, epochMillis, seconds, type EpochMillis } from "../../../src/kernel/time.ts";
import type { MintOutcome, MintPlan, ProbeAnswer } from "../../../src/ports/provider.ts";
import { createBuilders, providerName } from "../../support/builders.ts";
import { realClock } from "../../support/real-clock.ts";
import type { MintedLease, Observed, ProviderHarness } from "./harness.ts";

export const ttlSeconds = seconds(120);

export interface Actor {
  /** The intent and what the provider answered to it. */
  mint(options?: { signal?: AbortSignal }): Promise<{ intent: Lease; plan: MintPlan; outcome: MintOutcome }>;
  /** A mint that must work, probed as the broker probes. */
  mintAlive(): Promise<MintedLease>;
  probe(minted: MintedLease): Promise<ProbeAnswer | null>;
  /** `now`: where the time that a verdict asked for has passed. */
  revoke(
    minted: Pick<MintedLease, "lease" | "secret">,
    options?: { signal?: AbortSignal; now?: EpochMillis },
  ): Promise<Verdict>;
  /** All that was answered so far: what logs, audit and reports could hold. */
  readonly observed: readonly Observed[];
}

const never = new AbortController().signal;

/** What of a harness is enough to play the core. */
export type Played = Pick<ProviderHarness, "provider" | "scope" | "parameters">;

export function createActor(harness: Played): Actor {
  const { provider } = harness;
  const { ids } = createBuilders({ clock: realClock, seed: 7 });
  const observed: Observed[] = [];
  const keep = <T>(what: string, outcome: T): T => {
    observed.push({ what, outcome });
    return outcome;
  };

  async function mint({ signal = never } = {}) {
    const template = provider.parseScope(harness.scope);
    if (!template.ok) throw new Error(`${template.fault.path} ${template.fault.message}`);
    const scope = template.value.fill(harness.parameters);
    if (!scope.ok) throw new Error(`${scope.fault.path} ${scope.fault.message}`);
    const request = { leaseId: ids.lease(), taskId: ids.task(), scope: scope.value };
    const plan = provider.plan(request);
    const now = realClock.now();
    const intent = intentOf(harness, { ...request, plan, now });
    const outcome = await provider.mint({
      ...request,
      handle: plan.handle,
      agent: "invoice-bot",
      subject: "system:serviceaccount:finance:invoice-bot",
      expiresAt: addSeconds(now, ttlSeconds),
      now,
      signal,
    });
    return { intent, plan, outcome: keep("mint", outcome) };
  }

  async function probe({ lease, secret }: Pick<MintedLease, "lease" | "secret">): Promise<ProbeAnswer | null> {
    if (provider.probe === undefined) return null;
    return keep("probe", await provider.probe({ lease, secret, now: realClock.now(), signal: never }));
  }

  return {
    observed,
    mint,
    probe,
    async mintAlive() {
      const { intent, outcome } = await mint();
      if (outcome.kind !== "minted") throw new Error(`not minted: ${JSON.stringify(outcome)}`);
      const { handle, nativeExpiresAt, secretToKeep, credential } = outcome.minted;
      const state = { kind: "active" as const, activatedAt: realClock.now() };
      const lease: Lease = { ...intent, handle, nativeExpiresAt, state };
      const alive = await probe({ lease, secret: secretToKeep });
      const minted = dying({ ...lease, provenAlive: alive?.kind === "alive" });
      return { leaseId: lease.id, lease: minted, secret: secretToKeep, credential };
    },
    revoke: async ({ lease, secret }, { signal = never, now = realClock.now() } = {}) =>
      keep("revoke", await provider.revoke({ lease, secret, now, signal })),
  };
}

interface Intent extends Pick<Lease, "taskId"> {
  readonly leaseId: Lease["id"];
  readonly plan: MintPlan;
  readonly now: EpochMillis;
}

function intentOf({ provider }: Played, { leaseId, taskId, plan, now }: Intent): Lease {
  const builders = createBuilders({ clock: realClock });
  const name = providerName("under-test");
  return {
    ...builders.recordIntent(taskId).lease,
    id: leaseId,
    provider: name,
    target: targetName(name),
    providerDigest: provider.digest,
    createdAt: now,
    mintAbortAt: addSeconds(now, seconds(15)),
    expiresAt: addSeconds(now, ttlSeconds),
    // As the core records it: no less than the lifetime that was asked for.
    nativeExpiresAt: addMillis(now, Math.max(ttlSeconds * 1000, plan.worstCaseTtl)),
    nativeExpiry: provider.capabilities.nativeExpiry,
    handle: plan.handle,
    sealed: null,
    fingerprint: null,
    provenAlive: false,
    state: { kind: "intended" },
  };
}

/** The lease as a worker of the kill path claims it. */
export function dying(lease: Lease): Lease {
  return {
    ...lease,
    state: {
      kind: "revoking",
      cause: "task_ended",
      killOrderedAt: realClock.now(),
      attempts: 0,
      dueAt: epochMillis(realClock.now()),
      lastVerdict: null,
      lastReason: null,
      outcomeUnknown: lease.state.kind === "intended",
      usableUntil: null,
    },
  };
}
