/**
 * A shard that lives in another object: the verbs of its ledger by name, over the runtime's RPC, which copies plain data. A
 * call that fails rejects; whether it was applied is not known then.
 */
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
        : (...args: readonly unknown[]) => host().ask(name as ShardVerb, args),
  }) as ShardLedger;
}

/** A verb by its name, on the object's own ledger. */
export function askShard(ledger: ShardLedger, verb: ShardVerb, args: readonly unknown[]): Promise<unknown> {
  const ask = ledger[verb] as (...given: readonly unknown[]) => Promise<unknown>;
  return ask(...args);
}
