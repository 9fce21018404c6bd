/** A system that lists what lives in it, and a provider of it: enough to drift away from a ledger in every way. */
import type { Lease } from "../../src/domain/lease.ts";
import type { LeaseId } from "../../src/kernel/ids.ts";
import { err, ok } from "../../src/kernel/result.ts";
import { millis, type EpochMillis } from "../../src/kernel/time.ts";
import { seconds } from "../../src/kernel/time.ts";
import type { Capabilities } from "../../src/domain/capabilities.ts";
import type { Found, Provider } from "../../src/ports/provider.ts";

export interface ListedSystem {
  readonly provider: Provider;
  /** By name; what is deleted here is dead there. */
  readonly alive: Map<string, Found>;
  /** Kills that somebody took away again. */
  readonly undone: Set<LeaseId>;
  /** Leases that were asked for by the guard. */
  readonly guarded: Lease[];
  make(name: string, leaseId: LeaseId | null, createdAt: EpochMillis | null): void;
  /** From now on it answers so. */
  break(fault: "list" | "throw" | "stray" | "guard" | null): void;
}

const capabilities: Capabilities = {
  ttl: { kind: "chosen", minSeconds: seconds(1), maxSeconds: seconds(3600), granularitySeconds: seconds(1) },
  handle: "pre-known",
  revocation: { kind: "immediate" },
  nativeExpiry: "none",
  probe: "none",
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
  const guarded: Lease[] = [];
  let broken: Parameters<ListedSystem["break"]>[0] = null;
  const provider: Provider = {
    type: "listed",
    capabilities: { ...capabilities, needsSecretToRevoke: wish.needsSecret ?? false },
    digest: "digest-1",
    parseScope: () => err({ path: "", message: "takes no scope" }),
    plan: () => ({ handle: {}, worstCaseTtl: millis(600_000) }),
    mint: async () => ({ kind: "rejected", reason: "not_asked_for", retryable: false }),
    revoke: async () => ({ kind: "already-gone" }),
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
    check: async () => ok(),
    close: async () => {},
  };
  return {
    provider,
    alive,
    undone,
    guarded,
    make: (name, leaseId, createdAt) => void alive.set(name, { name, leaseId, createdAt, handle: { name } }),
    break: (fault) => void (broken = fault),
  };
}
