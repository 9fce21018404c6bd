/**
 * The kill path as the broker runs it, on either engine: the real ledger, workforce, pool, lanes and provider facade, with a provider that exists
 * only here, because what is measured must not be some other system's speed.
 */
import { createChangeHub } from "../../../src/broker/change-hub.ts";
import { createKillPool, type KillPool } from "../../../src/broker/kill/kill-pool.ts";
import { createProviderFacade } from "../../../src/broker/provider-facade.ts";
import { createSystemEntropy, systemClock } from "../../../src/entry/system-clock.ts";
import { createNodeLog } from "../../../src/entry/node-log.ts";
import { createNodeMetrics } from "../../../src/entry/node-metrics.ts";
import { err, ok } from "../../../src/kernel/result.ts";
import { millis, seconds } from "../../../src/kernel/time.ts";
import type { Provider, RevokeRequest } from "../../../src/ports/provider.ts";
import type { Sealer } from "../../../src/ports/sealer.ts";
import type { Verdict } from "../../../src/domain/verdict.ts";
import type { Ledger } from "../../../src/ports/ledger.ts";
import type { Clock } from "../../../src/kernel/clock.ts";
import { createCommands, type Commands } from "./commands.ts";
import { openPlace } from "./place.ts";

export interface KillWorld {
  readonly ledger: Ledger;
  readonly commands: Commands;
  readonly pool: KillPool;
  /** Resolves when this many more leases are recorded dead. */
  dead(count: number): Promise<void>;
  close(): Promise<void>;
}

export type Revoke = (request: RevokeRequest) => Promise<Verdict>;

const stopGrace = millis(2_000);

export async function createKillWorld(options: {
  place: string;
  revoke: Revoke;
  clock?: Clock;
  /** What a death took, from the kill order on. */
  onDeath?: (provider: string, seconds: number) => void;
}): Promise<KillWorld> {
  const { clock = systemClock, onDeath = () => {} } = options;
  const { ledger, workforce } = await openPlace(options.place, clock);
  const log = createNodeLog("error");
  const metrics = createNodeMetrics();
  const counter = createDeathCounter();
  const counted = {
    ...metrics,
    observeSeconds(name: string, value: number, labels?: Readonly<Record<string, string>>) {
      metrics.observeSeconds(name, value, labels);
      if (name !== "mayfly_revocation_latency_seconds") return;
      onDeath(labels?.["provider"] ?? "", value);
      counter.note();
    },
  };
  const provider = providerOf(options.revoke);
  const lookup = { issuing: () => provider, revoking: () => provider };
  const pool = createKillPool({
    workforce,
    works: true,
    ledger,
    providers: createProviderFacade({ lookup, clock, log, metrics: counted }),
    sealer: noSealer,
    clock,
    entropy: createSystemEntropy(),
    changes: createChangeHub({ clock, ledger }),
    log,
    metrics: counted,
  });
  return {
    ledger,
    commands: createCommands(clock),
    pool,
    dead: (count) => counter.after(count),
    async close() {
      await pool.stop(stopGrace);
      await ledger.close();
    },
  };
}

function createDeathCounter() {
  let left = 0;
  let tell = (): void => {};
  return {
    note() {
      left -= 1;
      if (left === 0) tell();
    },
    after(count: number): Promise<void> {
      left = count;
      return new Promise((resolve) => {
        tell = resolve;
      });
    },
  };
}

/** One that does nothing but revoke. */
export const providerOf = (revoke: Revoke): Provider => ({
  type: "bench",
  capabilities: {
    ttl: { kind: "server-decides", assumedMaxSeconds: seconds(3600) },
    handle: "returned",
    revocation: { kind: "immediate" },
    nativeExpiry: "none",
    probe: "none",
    killsOpenSessions: false,
    listable: false,
    renewable: false,
    needsSecretToRevoke: false,
    bindsToKey: false,
    mintsInProcess: false,
  },
  digest: "b".repeat(43),
  parseScope: () => err({ path: "scope", message: "nothing is minted here" }),
  plan: () => unused(),
  mint: async () => ({ kind: "rejected", reason: "nothing_is_minted_here", retryable: false }),
  revoke,
  check: async () => ok(),
  close: async () => undefined,
});

function unused(): never {
  throw new Error("the bench does not mint");
}

const noSealer: Sealer = { seal: async () => unused(), open: async () => unused(), keyIds: () => [] };
