/**
 * A Worker for the ledger kit: one Durable Object a ledger, on a clock that every call sets. It answers HTTP, so that the
 * kit runs outside and what it judges runs in workerd.
 */
import { DurableObject } from "cloudflare:workers";
import type { DurableObjectNamespace } from "@cloudflare/workers-types";
import { openShard } from "../../../src/engines/durable-object/open-shard.ts";
import type { AwaySince } from "../../../src/engines/sql/core.ts";
import { epochMillis } from "../../../src/kernel/time.ts";
import type { Ledger } from "../../../src/ports/ledger.ts";
import { silentLog } from "../silent.ts";

/** One verb asked of a ledger, and the instant that it is asked at. */
export interface KitCall {
  readonly verb: keyof Ledger;
  readonly args: readonly unknown[];
  readonly wall: number;
  readonly monotonic: number;
  /** Opens the ledger anew over what is stored. */
  readonly restart?: true;
  /** Where issuing stops, of a ledger that is opened by this call. */
  readonly maxIssuingBytes?: number;
}
export interface KitAnswer {
  readonly value?: unknown;
  readonly thrown?: string;
  readonly due: readonly number[];
}

export class KitShard extends DurableObject {
  readonly #time = { wall: 0, monotonic: 0 };
  readonly #due: number[] = [];
  #ledger: Ledger | undefined;

  async fetch(request: Request): Promise<Response> {
    const call = (await request.json()) as KitCall;
    this.#time.wall = call.wall;
    this.#time.monotonic = call.monotonic;
    if (call.restart === true || this.#ledger === undefined) this.#ledger = this.#open(call);
    const answer = await this.#ask(this.#ledger, call);
    return Response.json({ ...answer, due: this.#due.splice(0) });
  }

  #open({ maxIssuingBytes }: KitCall): Ledger {
    const clock = {
      now: () => epochMillis(this.#time.wall),
      monotonicMillis: () => this.#time.monotonic,
      after: () => () => {},
    };
    // The kit's restarts are outages: nobody was there since the last change.
    const awaySince: AwaySince = (_, lastChangeAt) => lastChangeAt;
    const bound = maxIssuingBytes === undefined ? {} : { maxIssuingBytes };
    const opened = openShard({ storage: this.ctx.storage, clock, log: silentLog, awaySince, ...bound });
    if (!opened.ok) throw new Error(opened.fault.reason);
    opened.value.onDue((at) => void this.#due.push(at));
    return opened.value;
  }

  async #ask(ledger: Ledger, { verb, args }: KitCall): Promise<Omit<KitAnswer, "due">> {
    try {
      const ask = ledger[verb] as (...given: readonly unknown[]) => Promise<unknown>;
      return { value: await ask(...args) };
    } catch (error) {
      return { thrown: error instanceof Error ? error.message : "not an error" };
    }
  }
}

export default {
  fetch(request: Request, env: { SHARD: DurableObjectNamespace }): Promise<Response> {
    const name = new URL(request.url).pathname;
    return env.SHARD.getByName(name).fetch(request as never) as never;
  },
};
