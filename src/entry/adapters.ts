/**
 * The adapters that a broker on Node stands on: key rings, store, connections. Opened apart from being joined, so that
 * what is joined can also be adapters that watch, break or delay.
 */
import type { Clock } from "../kernel/clock.ts";
import type { Entropy } from "../kernel/entropy.ts";
import { ok, type Result } from "../kernel/result.ts";
import type { Log } from "../ports/log.ts";
import type { Adapters } from "./assemble.ts";
import type { ConfigFault, Environment, ServeOptions } from "./config.ts";
import { openConnections } from "./node-connections.ts";
import { openStore } from "./open-store.ts";
import { readKeys } from "./read-keys.ts";

/** What the machine gives: its time, its chance, its environment. */
export interface Machine {
  readonly env: Environment;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
  /** The store can commit nothing more: the process should end. */
  readonly onFatal: (reason: string) => void;
}

export async function openAdapters(options: ServeOptions, machine: Machine): Promise<Result<Adapters, ConfigFault>> {
  const keys = await readKeys(options, machine);
  if (!keys.ok) return keys;
  const { sealer, signer } = keys.value;
  const store = await openStore(options, { ...machine, sealer });
  if (!store.ok) return store;
  return ok({ sealer, signer, ...store.value, connections: openConnections(options.mode) });
}
