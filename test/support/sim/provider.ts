/**
 * One `Provider` for every class of credential: the same contract as the real ones, against the simulated systems.
 * It knows only what a real provider of that class would: a name that we chose, an id that was answered, or the value.
 */
import type { Verdict } from "../../../src/domain/verdict.ts";
import type { JsonObject } from "../../../src/kernel/canonical-json.ts";
import { mintMarginMillis, mintTimeoutMillis } from "../../../src/kernel/limits.ts";
import { Redacted } from "../../../src/kernel/redacted.ts";
import { ok } from "../../../src/kernel/result.ts";
import { addMillis, epochMillis, millis, millisBetween, type EpochMillis } from "../../../src/kernel/time.ts";
import { unreachable } from "../../../src/kernel/unreachable.ts";
import type { Clock } from "../../../src/kernel/clock.ts";
import type {
  MintOutcome,
  MintRequest,
  ProbeAnswer,
  ProbeRequest,
  Provider,
  RevokeRequest,
} from "../../../src/ports/provider.ts";
import { capabilitiesOf, credentialClasses, longestLifeSeconds, type ClassName } from "./classes.ts";
import type { Cloud, CloudCredential } from "./cloud.ts";
import type { Network } from "./network.ts";
import type { Random } from "./random.ts";
import type { Owner } from "./time.ts";

export interface ProviderTools {
  readonly cloud: Cloud;
  readonly network: Network;
  readonly random: Random;
  readonly owner: Owner;
  readonly clock: Clock;
  readonly newValue: () => string;
  /** How often a system grants more, or for longer, than was asked. */
  readonly generosity: number;
}

export function createSimProvider(kind: ClassName, tools: ProviderTools): Provider<null> {
  const capabilities = capabilitiesOf(kind);
  const { handle, probe, mintsInProcess } = credentialClasses[kind];
  return {
    type: "simulated",
    capabilities,
    digest: `digest-${kind}`,
    parseScope: () => ok({ placeholders: [], capabilities, fill: () => ok(null) }),
    plan: ({ leaseId }) => ({
      handle: handle === "pre-known" ? { name: leaseId } : {},
      worstCaseTtl: millis(longestLifeSeconds * 1000 + mintTimeoutMillis + mintMarginMillis),
    }),
    mint: (request) => (mintsInProcess ? compute(kind, tools, request) : mint(kind, tools, request)),
    revoke: (request) => revoke(kind, tools, request),
    ...(probe === "none" ? {} : { probe: (request: ProbeRequest) => look(kind, tools, request) }),
    check: async () => ok(),
    close: async () => {},
  };
}

const overstayMillis = 600_000;

async function mint(kind: ClassName, tools: ProviderTools, request: MintRequest<null>): Promise<MintOutcome> {
  const { cloud, network, random, owner, clock, newValue, generosity } = tools;
  const generous = random.pick({ no: 1 - generosity, wider: generosity / 2, longer: generosity / 2 });
  const asked = millisBetween(request.now, request.expiresAt);
  const lifetime = generous === "longer" ? Math.min(asked + overstayMillis, longestLifeSeconds * 1000) : asked;
  const { leaseId, signal } = request;
  const effect = (): CloudCredential => cloud.create({ kind, leaseId, value: newValue(), lifetime, generous });
  const result = await network.call({ call: "mint", kind, owner, signal, effect });
  switch (result.kind) {
    case "refused":
      return { kind: "rejected", reason: `status_${result.status}`, retryable: result.status === 429 };
    case "lost":
      return { kind: "unknown", reason: "reset" };
    case "answered":
      return mintedFrom(kind, result.value, lifetime, clock);
    default:
      return unreachable(result);
  }
}

function mintedFrom(kind: ClassName, made: CloudCredential, lifetime: number, clock: Clock): MintOutcome {
  const { handle } = credentialClasses[kind];
  const value = new Redacted(made.value, "credential");
  const known: JsonObject =
    handle === "pre-known" ? { name: made.leaseId } : handle === "returned" ? { id: made.id } : {};
  return {
    kind: "minted",
    minted: {
      credential: { kind: "bearer", value, tokenType: "Bearer" },
      handle: known,
      secretToKeep: handle === "secret-itself" ? new Redacted(made.value, "kept secret") : null,
      findByFingerprint: true,
      nativeExpiresAt: toldExpiry(kind, made.bornAt, lifetime, clock),
      granted: { wider: made.generous === "wider", scope: null },
    },
  };
}

/** Some systems tell an instant of their own clock, others a span; one without an end is told to end before our bound. */
function toldExpiry(kind: ClassName, bornAt: number, lifetime: number, clock: Clock): EpochMillis {
  if (credentialClasses[kind].nativeExpiry !== "full") return addMillis(clock.now(), Math.max(1, lifetime - 1000));
  return kind === "opaque-token" ? addMillis(clock.now(), lifetime) : epochMillis(bornAt + lifetime);
}

/** A computation: no system, no way to fail half-way. The value starts to count when it is delivered. */
async function compute(kind: ClassName, tools: ProviderTools, request: MintRequest<null>): Promise<MintOutcome> {
  return {
    kind: "minted",
    minted: {
      credential: { kind: "bearer", value: new Redacted(tools.newValue(), kind), tokenType: "Bearer" },
      handle: request.handle,
      secretToKeep: null,
      findByFingerprint: true,
      nativeExpiresAt: epochMillis(request.expiresAt),
      granted: null,
    },
  };
}

/** What the provider can point at: null when it has nothing to point with. */
function find(kind: ClassName, cloud: Cloud, { lease, secret }: RevokeRequest): CloudCredential | undefined | null {
  const { handle } = credentialClasses[kind];
  switch (handle) {
    case "pre-known":
      return cloud.byLease(lease.id);
    case "returned": {
      const id = lease.handle["id"];
      return typeof id === "string" ? cloud.byId(id) : null;
    }
    case "secret-itself":
      return secret === null ? null : cloud.byValue(secret.reveal());
    default:
      return unreachable(handle);
  }
}

async function revoke(kind: ClassName, tools: ProviderTools, request: RevokeRequest): Promise<Verdict> {
  const { cloud, network, owner, clock } = tools;
  const { revocation, mintsInProcess, settleMillis } = credentialClasses[kind];
  const onlyExpires: Verdict = { kind: "expires-only", at: request.lease.nativeExpiresAt };
  if (mintsInProcess) return { kind: "dead-unverified" };
  if (revocation.kind === "expiry-only" || find(kind, cloud, request) === null) return onlyExpires;

  const search = (): CloudCredential | undefined => {
    const found = find(kind, cloud, request);
    return found && cloud.isVisible(found) ? found : undefined;
  };
  const effect = (): Verdict => {
    const found = search();
    if (found === undefined) return { kind: "already-gone" };
    const wasOrdered = found.deadAt !== null;
    cloud.revoke(found);
    if (settleMillis === 0) return wasOrdered ? { kind: "already-gone" } : { kind: "dead-unverified" };
    if (!cloud.isAlive(found)) return { kind: "dead-unverified" };
    return { kind: "pending", until: addMillis(clock.now(), settleMillis) };
  };
  const lie = (): Verdict => {
    cloud.lie(request.lease.id);
    return { kind: "dead-unverified" };
  };
  const result = await network.call({ call: "revoke", kind, owner, signal: request.signal, effect, lie });
  switch (result.kind) {
    case "answered":
      return result.value;
    case "lost":
      return { kind: "retry", reason: "reset" };
    case "refused":
      return result.status === 403
        ? { kind: "refused", reason: "status_403", fix: "give the broker its right to revoke back" }
        : { kind: "retry", reason: "status_429", after: millis(3_000) };
    default:
      return unreachable(result);
  }
}

async function look(kind: ClassName, tools: ProviderTools, request: ProbeRequest): Promise<ProbeAnswer> {
  const { cloud, network, owner } = tools;
  const effect = (): ProbeAnswer => {
    const found = find(kind, cloud, request);
    return found && cloud.isAlive(found) ? { kind: "alive" } : { kind: "dead" };
  };
  const result = await network.call({ call: "probe", kind, owner, signal: request.signal, effect });
  if (result.kind !== "answered") return { kind: "unclear", reason: result.kind };
  if (result.value.kind === "alive" && !request.signal.aborted) cloud.admit(request.lease.id);
  return result.value;
}
