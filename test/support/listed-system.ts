/** A system in memory that lists what lives in it, and a provider of it: enough to drift from a ledger in every way. */
import type { Lease } from "../../src/domain/lease.ts";
import type { LeaseId } from "../../src/kernel/ids.ts";
import { Redacted } from "../../src/kernel/redacted.ts";
import { err, ok } from "../../src/kernel/result.ts";
import { millis, seconds, type EpochMillis } from "../../src/kernel/time.ts";
import type { Capabilities } from "../../src/domain/capabilities.ts";
import type { Found, Provider, ProviderType } from "../../src/ports/provider.ts";

export interface ListedSystem {
  readonly provider: Provider;
  /** For a policy with `type: listed`. */
  readonly type: ProviderType;
  /** By name; what is deleted here is dead there. */
  readonly alive: Map<string, Found>;
  /** Kills that somebody took away again. */
  readonly undone: Set<LeaseId>;
  /** Living leases that a kill of others ended. */
  readonly endedToo: Set<LeaseId>;
  /** Leases that were asked for by the guard. */
  readonly guarded: Lease[];
  make(name: string, leaseId: LeaseId | null, createdAt: EpochMillis | null): void;
  /** From now on it answers so. */
  break(fault: Fault | null): void;
  /** The next mints wait there until the answer of this is called. */
  holdMints(): () => void;
}

type Fault = "list" | "throw" | "stray" | "guard" | "ended" | "check" | "mint" | "probe" | "revoke" | "near_limit";

const capabilities: Capabilities = {
  ttl: { kind: "chosen", minSeconds: seconds(1), maxSeconds: seconds(3600), granularitySeconds: seconds(1) },
  handle: "pre-known",
  revocation: { kind: "immediate" },
  nativeExpiry: "none",
  probe: "data-plane",
  killsOpenSessions: true,
  listable: true,
  renewable: false,
  needsSecretToRevoke: false,
  bindsToKey: false,
  mintsInProcess: false,
};

/** Pages of two, so that each walk has several. */
const pageSize = 2;

export function createListedSystem(wish: { needsSecret?: boolean } = {}): ListedSystem {
  const alive = new Map<string, Found>();
  const undone = new Set<LeaseId>();
  const endedToo = new Set<LeaseId>();
  const guarded: Lease[] = [];
  let broken: Fault | null = null;
  let mayMint: Promise<void> = Promise.resolve();
  const can = { ...capabilities, needsSecretToRevoke: wish.needsSecret ?? false };
  const provider: Provider = {
    type: "listed",
    capabilities: can,
    digest: "digest-1",
    parseScope: () => ok({ placeholders: [], capabilities: can, fill: () => ok({}) }),
    plan: ({ leaseId }) => ({ handle: { name: leaseId }, worstCaseTtl: millis(600_000) }),
    async mint({ leaseId, handle, now, expiresAt }) {
      await mayMint;
      if (broken === "mint") return { kind: "rejected", reason: "permission", retryable: false };
      alive.set(leaseId, { name: leaseId, leaseId, createdAt: now, handle });
      const credential = { kind: "bearer", value: new Redacted("k", "credential"), tokenType: "Bearer" } as const;
      const known = { secretToKeep: null, findByFingerprint: false, nativeExpiresAt: expiresAt, granted: null };
      const near = broken === "near_limit" ? { nearLimit: { limit: "rules", percent: 90 } } : {};
      return { kind: "minted", minted: { credential, handle, ...known, ...near } };
    },
    async revoke({ lease }) {
      if (broken === "revoke") return { kind: "refused", reason: "permission", fix: "grant it" };
      return { kind: alive.delete(lease.id) ? "dead-unverified" : "already-gone" };
    },
    async probe({ lease }) {
      if (broken === "probe") return { kind: "unclear", reason: "permission" };
      return { kind: alive.has(lease.id) ? "alive" : "dead" };
    },
    async list({ after }) {
      if (broken === "throw") throw new Error("text of a stranger");
      if (broken === "list") return err("permission");
      const names = [...alive.keys()].toSorted().filter((name) => after === null || name > after);
      const page = names.slice(0, pageSize);
      const next = names.length > pageSize ? (page.at(-1) ?? null) : null;
      return ok({ found: page.flatMap((name) => alive.get(name) ?? []), next });
    },
    async revokeStray({ found }) {
      if (broken === "stray") return { kind: "refused", reason: "permission", fix: "grant it" };
      return { kind: alive.delete(found.name) ? "dead-unverified" : "already-gone" };
    },
    async findUndone({ leases }) {
      if (broken === "guard") return err("unreachable");
      guarded.push(...leases);
      return ok([...undone]);
    },
    findEnded: async () => (broken === "ended" ? err("unreachable") : ok([...endedToo])),
    check: async () => (broken === "check" ? err("unreachable") : ok()),
    close: async () => {},
  };
  return {
    provider,
    type: { type: "listed", create: async () => ok(provider) },
    alive,
    undone,
    endedToo,
    guarded,
    make: (name, leaseId, createdAt) => void alive.set(name, { name, leaseId, createdAt, handle: { name } }),
    break: (fault) => void (broken = fault),
    holdMints() {
      const { promise, resolve } = Promise.withResolvers<void>();
      mayMint = promise;
      return resolve;
    },
  };
}
