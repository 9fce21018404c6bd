/**
 * The broker as `mayfly serve` composes it, with its ports watched: it says which calls it makes, or stops dead at one
 * of them. Frozen means that no thread of it does anything any more; the test then kills it.
 */
import { writeSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { openAdapters } from "../../../src/entry/adapters.ts";
import { composeOver } from "../../../src/entry/compose.ts";
import { parseServeOptions } from "../../../src/entry/config.ts";
import { createSystemEntropy } from "../../../src/entry/system-clock.ts";
import { createNodeLog } from "../../../src/entry/node-log.ts";
import { listenAndServe } from "../../../src/entry/serve.ts";
import type { MintOutcome } from "../../../src/ports/provider.ts";
import type { Order, Point, Said } from "./orders.ts";
import { watchAdapters, type PortCall, type Side, type Watcher } from "./port-calls.ts";
import { createSteerableClock } from "./steerable-clock.ts";

const clock = createSteerableClock();
let isRecording = false;
let freezeAt: Point | null = null;
let leap: { readonly at: string; readonly millis: number } | null = null;
const begun = new Map<string, number>();

/** Synchronous: what was said is out of the process before it can be killed. */
const say = (said: Said): void => void writeSync(1, `${JSON.stringify(said)}\n`);

function freeze(): never {
  say({ said: "frozen" });
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  throw new Error("nothing wakes a frozen process");
}

function note(call: PortCall, nth: number, side: Side): void {
  if (isRecording) say({ said: "call", ...call, side });
  if (freezeAt?.name === call.name && freezeAt.side === side && freezeAt.occurrence === nth) freeze();
}

const watcher: Watcher = {
  before(call) {
    const nth = (begun.get(call.name) ?? 0) + 1;
    begun.set(call.name, nth);
    if (call.name === leap?.at) {
      clock.advance(leap.millis);
      leap = null;
    }
    note(call, nth, "before");
    return nth;
  },
  after(call, nth, answer) {
    if (call.name === "provider.mint") tellMinted(answer as MintOutcome);
    note(call, nth, "after");
  },
};

function tellMinted(outcome: MintOutcome): void {
  if (outcome.kind !== "minted" || outcome.minted.credential.kind !== "bearer") return;
  say({ said: "minted", token: outcome.minted.credential.value.reveal() });
}

process.on("message", (order: Order) => {
  begun.clear();
  if (order.order === "advance" && order.at !== undefined) leap = { at: order.at, millis: order.millis };
  else if (order.order === "advance") clock.advance(order.millis);
  if (order.order === "record") isRecording = true;
  if (order.order === "freeze") freezeAt = order.point;
  say({ said: "done" });
});

// A test that is gone kills nobody any more.
process.once("disconnect", () => process.exit(1));

const options = parseServeOptions({}, process.env);
if (!options.ok) throw new Error(JSON.stringify(options.fault));
const log = createNodeLog(options.value.logLevel);
const onFatal = (reason: string): void => {
  throw new Error(reason);
};
const machine = { env: process.env, clock, entropy: createSystemEntropy(), log, onFatal };
// Read only where it is needed, as `serve` does: hundreds of these programs are started.
const open =
  options.value.ledger.kind === "redis" ? (await import("./redis-adapters.ts")).openRedisAdapters : openAdapters;
const started = await listenAndServe(options.value, log, async (withIssuer) => {
  const adapters = await open(withIssuer, machine);
  return adapters.ok ? composeOver(withIssuer, watchAdapters(adapters.value, watcher), machine) : adapters;
});
if (!started.ok) throw new Error(`${started.fault.setting} ${started.fault.message}`);
// A process that is killed writes none.
flushCompileCache();
