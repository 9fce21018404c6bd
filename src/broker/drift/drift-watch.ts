/**
 * Has providers compared with the ledger every ten minutes, and kills that somebody must keep looked at every minute; one
 * node at a time, by a lock that lasts for the interval. It holds no truth: what is lost or fails is done by a later round.
 */
import type { ProviderName } from "../../domain/names.ts";
import { base32FromBytes } from "../../kernel/base32.ts";
import type { Cancel } from "../../kernel/clock.ts";
import { millis, type Millis } from "../../kernel/time.ts";
import type { BrokerParts } from "../parts.ts";
import type { DriftProviders } from "./ask-provider.ts";
import { guardKills } from "./guard-kills.ts";
import { createFirstSeen, reconcile, type DriftReport } from "./reconcile.ts";
import type { RestoreHold } from "./restore-hold.ts";

export interface DriftWatch {
  start(): void;
  stop(): void;
  /** Whether the policy has a provider that a round would look at. */
  isNeeded(): boolean;
  /** One round, for a process that no timer of its own keeps awake. */
  round(): Promise<void>;
  /** Now, whoever's turn it is; null where another node is at it or the ledger does not say. */
  compare(name: ProviderName): Promise<DriftReport | null>;
}

export type DriftWatchParts = Pick<BrokerParts, "ledger" | "clock" | "entropy" | "log" | "metrics" | "policy"> & {
  readonly drift: DriftProviders;
  readonly hold: RestoreHold;
};

export const driftRoundMillis = millis(60_000);
/** A little less than a round, so that it is free when the next one comes. */
const guardTurn = millis(55_000);
const compareTurn = millis(595_000);
/** Far longer than a run that its pages bound; only a process that died holds it so long. */
const longestRun = millis(600_000);

export function createDriftWatch(parts: DriftWatchParts): DriftWatch {
  const { clock, log, policy, drift, hold } = parts;
  const tools = { ...parts, firstSeen: createFirstSeen() };
  let isStopped = false;
  let cancel: Cancel = () => {};

  async function compare(name: ProviderName): Promise<DriftReport | null> {
    const release = await lock(parts, `compare:${name}`, longestRun);
    if (release === null) return null;
    try {
      return await reconcile(tools, name);
    } finally {
      await release();
      await hold.refresh();
    }
  }

  async function compareInTurn(name: ProviderName): Promise<void> {
    const giveUpTurn = await lock(parts, `compare-turn:${name}`, compareTurn);
    if (giveUpTurn === null && !hold.isHeld(name)) return;
    const report = await compare(name);
    if (report === null || report.unfinished !== null) await giveUpTurn?.();
  }

  async function round(): Promise<void> {
    await attempt("restore_hold", () => hold.refresh());
    for (const name of policy().providers.keys()) {
      const provider = drift.current(name);
      // oxlint-disable-next-line no-await-in-loop -- one provider after the other: nothing here may crowd out kills
      if (provider?.findUndone !== undefined) await attempt(name, () => guardInTurn(parts, name));
      // oxlint-disable-next-line no-await-in-loop -- as above
      if (provider?.list !== undefined) await attempt(name, () => compareInTurn(name));
    }
  }

  async function again(): Promise<void> {
    await round();
    if (!isStopped) cancel = clock.after(driftRoundMillis, () => void again());
  }

  async function attempt(what: string, run: () => Promise<void>): Promise<void> {
    if (isStopped) return;
    try {
      await run();
    } catch {
      if (!isStopped) log.error("drift_round_failed", { what });
    }
  }

  return {
    start: () => void again(),
    isNeeded: () => [...policy().providers.keys()].some((name) => isLookedAfter(drift.current(name))),
    round,
    stop() {
      isStopped = true;
      cancel();
    },
    compare,
  };
}

const isLookedAfter = (provider: ReturnType<DriftProviders["current"]>): boolean =>
  provider?.findUndone !== undefined || provider?.list !== undefined;

async function guardInTurn(parts: DriftWatchParts, name: ProviderName): Promise<void> {
  if ((await lock(parts, `guard-turn:${name}`, guardTurn)) === null) return;
  const targets = (await parts.ledger.listTargets()).flatMap(({ target, provider }) =>
    provider === name ? [target] : [],
  );
  await guardKills(parts, name, targets);
}

/** Answers how to give it back; null where it is another's. */
async function lock(
  { ledger, entropy }: Pick<DriftWatchParts, "ledger" | "entropy">,
  name: string,
  length: Millis,
): Promise<(() => Promise<unknown>) | null> {
  const mine = { name, holder: base32FromBytes(entropy.bytes(12)) };
  const taken = await ledger.takeLock({ ...mine, hold: length });
  return taken.kind === "ok" ? () => ledger.releaseLock(mine) : null;
}
