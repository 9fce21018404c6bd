/**
 * A shard that lives in another object: the verbs of its ledger by name, over the runtime's RPC, which copies plain data. A
 * call that fails rejects with `StoreAwayError`; whether it was applied is not known then. The runtime does not tell errors
 * apart: the other object logs one of its own.
 */
import { StoreAwayError } from "../../domain/store-away.ts";
import type { ShardLedger } from "./shard-ledger.ts";

/** `onDue` and `close` belong to the object alone. */
export type ShardVerb = Exclude<keyof ShardLedger, "onDue" | "close">;

/** What an object answers by RPC. */
export interface ShardHost {
  ask(verb: ShardVerb, args: readonly unknown[]): Promise<unknown>;
}

export function createRemoteShard(host: () => ShardHost): ShardLedger {
  const own: Pick<ShardLedger, "onDue" | "close"> = { onDue: () => {}, close: async () => {} };
  return new Proxy(own, {
    get: (target, name) =>
      name in target || typeof name === "symbol" || name === "then"
        ? Reflect.get(target, name)
        : (...args: readonly unknown[]) => askOther(host, name as ShardVerb, args),
  }) as ShardLedger;
}

async function askOther(host: () => ShardHost, verb: ShardVerb, args: readonly unknown[]): Promise<unknown> {
  try {
    return await host().ask(verb, args);
  } catch {
    throw new StoreAwayError("shard");
  }
}

/** A verb by its name, on the object's own ledger. */
export function askShard(ledger: ShardLedger, verb: ShardVerb, args: readonly unknown[]): Promise<unknown> {
  const ask = ledger[verb] as (...given: readonly unknown[]) => Promise<unknown>;
  return ask(...args);
}
