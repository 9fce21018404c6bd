/**
 * A shard that lives in another object: the verbs of its ledger by name, over the runtime's RPC, which copies plain data. A
 * call that fails rejects with `StoreAwayError`; whether it was applied is not known then. The runtime does not tell errors
 * apart: the other object logs one of its own.
 */
import { StoreAwayError } from "../../domain/store-away.ts";
import type { Clock } from "../../kernel/clock.ts";
import { millis, type Millis } from "../../kernel/time.ts";
import type { ShardLedger } from "./shard-ledger.ts";

/** `onDue` and `close` belong to the object alone. */
export type ShardVerb = Exclude<keyof ShardLedger, "onDue" | "close">;

/** What an object answers by RPC. */
export interface ShardHost {
  ask(verb: ShardVerb, args: readonly unknown[]): Promise<unknown>;
}

/** `connect` gives a new way to the object: calls of one arrive in the order that they were made in, as the verbs of one turn must. */
export function createRemoteShard(connect: () => ShardHost, after: Clock["after"]): ShardLedger {
  let host: ShardHost | undefined;
  const ask = async (verb: ShardVerb, args: readonly unknown[]): Promise<unknown> => {
    const used = (host ??= connect());
    try {
      return await within(callMillis, after, used.ask(verb, args));
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

/** One that hangs must not hold up what this object can do by itself, kills above all. */
const callMillis = millis(5_000);

async function within<T>(bound: Millis, after: Clock["after"], call: Promise<T>): Promise<T> {
  const { promise: outOfTime, reject } = Promise.withResolvers<never>();
  const cancel = after(bound, () => reject(new Error("the call hangs")));
  try {
    return await Promise.race([call, outOfTime]);
  } finally {
    cancel();
  }
}

/** A verb by its name, on the object's own ledger. */
export function askShard(ledger: ShardLedger, verb: ShardVerb, args: readonly unknown[]): Promise<unknown> {
  const ask = ledger[verb] as (...given: readonly unknown[]) => Promise<unknown>;
  return ask(...args);
}
