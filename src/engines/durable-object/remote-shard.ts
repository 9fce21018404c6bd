/**
 * A shard that lives in another object: the verbs of its ledger by name, over the runtime's RPC, which copies plain data. A
 * call that fails rejects; whether it was applied is not known then.
 */
import type { Ledger } from "../../ports/ledger.ts";

/** `onDue` and `close` belong to the object alone. */
export type ShardVerb = Exclude<keyof Ledger, "onDue" | "close">;

/** What an object answers by RPC. */
export interface ShardHost {
  ask(verb: ShardVerb, args: readonly unknown[]): Promise<unknown>;
}

export function createRemoteShard(host: () => ShardHost): Ledger {
  const own: Pick<Ledger, "onDue" | "close"> = { onDue: () => {}, close: async () => {} };
  return new Proxy(own, {
    get: (target, name) =>
      name in target || typeof name === "symbol" || name === "then"
        ? Reflect.get(target, name)
        : (...args: readonly unknown[]) => host().ask(name as ShardVerb, args),
  }) as Ledger;
}

/** A verb by its name, on the object's own ledger. */
export function askShard(ledger: Ledger, verb: ShardVerb, args: readonly unknown[]): Promise<unknown> {
  const ask = ledger[verb] as (...given: readonly unknown[]) => Promise<unknown>;
  return ask(...args);
}
