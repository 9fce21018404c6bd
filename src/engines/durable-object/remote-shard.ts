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

/** `connect` gives a new way to the object: calls of one arrive in the order that they were made in, as the verbs of one turn must. */
export function createRemoteShard(connect: () => ShardHost): ShardLedger {
  let host: ShardHost | undefined;
  const ask = async (verb: ShardVerb, args: readonly unknown[]): Promise<unknown> => {
    const used = (host ??= connect());
    try {
      return await used.ask(verb, args);
    } catch {
      // One that failed may be broken for good.
      if (host === used) host = undefined;
      throw new StoreAwayError("shard");
    }
  };
  const own: Pick<ShardLedger, "onDue" | "close"> = { onDue: () => {}, close: async () => {} };
  return new Proxy(own, {
    get: (target, name) =>
      name in target || typeof name === "symbol" || name === "then"
        ? Reflect.get(target, name)
        : (...args: readonly unknown[]) => ask(name as ShardVerb, args),
  }) as ShardLedger;
}

/** A verb by its name, on the object's own ledger. */
export function askShard(ledger: ShardLedger, verb: ShardVerb, args: readonly unknown[]): Promise<unknown> {
  const ask = ledger[verb] as (...given: readonly unknown[]) => Promise<unknown>;
  return ask(...args);
}
