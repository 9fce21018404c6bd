/**
 * Step 4 of an issue: ask the provider, prove that the credential works, seal what its kill will need. Compensation
 * is never done here: whatever must not be delivered is made due and dies on the normal kill path.
 */
import type { Lease } from "../../domain/lease.ts";
import { mintTimeoutMillis } from "../../kernel/limits.ts";
import { millis, type EpochMillis } from "../../kernel/time.ts";
import type { CompleteMint } from "../../ports/ledger-commands.ts";
import type { Minted, MintOutcome } from "../../ports/provider.ts";
import { causeOf } from "../cause.ts";
import type { BrokerParts } from "../parts.ts";
import type { Minter } from "../provider-facade.ts";
import { credentialText } from "./credential-text.ts";
import type { Planned } from "./intent.ts";

type Parts = Pick<BrokerParts, "providers" | "sealer" | "clock" | "sha256">;

/**
 * `abortAt` is the intent's own: what the store's answer took is no longer there for the call. A call that could end
 * later would land after the kill path was told to believe "not found".
 */
export async function callProvider(
  parts: Parts,
  planned: Planned,
  bounds: { expiresAt: EpochMillis; abortAt: EpochMillis | null },
): Promise<MintOutcome> {
  const { caller, decision, leaseId, taskId, plan } = planned;
  const { expiresAt, abortAt } = bounds;
  const now = parts.clock.now();
  const left = abortAt === null ? mintTimeoutMillis : Math.max(0, Math.min(mintTimeoutMillis, abortAt - now));
  const request = {
    leaseId,
    taskId,
    scope: decision.scope,
    handle: plan.handle,
    agent: caller.profile.name,
    subject: caller.identity.subject,
    expiresAt,
    now,
  };
  return parts.providers.mint(minterOf(planned), request, millis(left));
}

const minterOf = ({ template, provider }: Planned): Minter => ({ name: template.template.provider, provider });

/**
 * What to store for a mint that happened. `lease` is the intent; a probe sees it with the minted handle. `expiresAt` is
 * what the provider was asked for, by the wall.
 */
export async function completion(
  parts: Parts,
  planned: Planned,
  lease: Lease | null,
  minted: Minted,
  expiresAt: EpochMillis,
): Promise<CompleteMint> {
  const { leaseId, caller } = planned;
  const secret = minted.secretToKeep;
  const tooWide = minted.granted?.wider === true || outlivesPolicy(planned, minted, expiresAt);
  const probe =
    lease === null || tooWide
      ? null
      : await parts.providers.probe({ ...lease, handle: minted.handle }, secret, minterOf(planned));
  return {
    leaseId,
    handle: minted.handle,
    sealed: secret === null ? null : await parts.sealer.seal(secret, leaseId),
    fingerprint: minted.findByFingerprint ? parts.sha256(credentialText(minted.credential).reveal()) : null,
    provenAlive: probe?.kind === "alive",
    expiresAt: lease?.expiresAt ?? expiresAt,
    nativeExpiresAt: minted.nativeExpiresAt,
    rejectAs: tooWide ? "scope_widened" : null,
    cause: causeOf(caller),
  };
}

/** A lifetime beyond our bound is delivered only where an early kill really ends it (promise P8). */
function outlivesPolicy(planned: Planned, minted: Minted, expiresAt: EpochMillis): boolean {
  const { template, scope } = planned.template;
  if (minted.nativeExpiresAt < expiresAt + 1000) return false;
  const { kind } = scope.capabilities.revocation;
  return !(template.allowEarlyKill && (kind === "immediate" || kind === "parent-kill"));
}
