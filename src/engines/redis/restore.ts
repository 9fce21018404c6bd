/**
 * Follows up a store that an operator put back from a copy of the servers' data: looks whether any broker lives on it,
 * tells what it holds, and orders in every shard that all of it ends before anything is issued. Ordering it again is
 * harmless, so a run that broke off is made up for by the next; until then no node opens the store.
 */
import type { Cause } from "../../domain/audit-entry.ts";
import type { Clock } from "../../kernel/clock.ts";
import { err, ok, type Result } from "../../kernel/result.ts";
import { millis } from "../../kernel/time.ts";
import type { LedgerHealth } from "../../ports/ledger-views.ts";
import { describePlace } from "./connection/ledger-url.ts";
import { openFault, type OpenFault } from "./connection/open-fault.ts";
import { checkServers } from "./connection/server-checks.ts";
import type { ShardCalls } from "./shard-calls.ts";
import { silentMillis } from "./signs-of-life.ts";
import { lastSigns, restoreStore } from "./verbs/restore.ts";
import { health } from "./verbs/store.ts";
import { visitStore, type Visit } from "./visit-store.ts";

export interface RestoreOptions extends Omit<Visit, "checked" | "mayBeHalfRestored"> {
  /** Told what would end; nothing is changed unless it answers true. */
  readonly confirm: (found: LedgerHealth) => Promise<boolean>;
}

export type RestoreEnd =
  | { readonly kind: "restored"; readonly generation: number; readonly found: LedgerHealth }
  | { readonly kind: "left"; readonly found: LedgerHealth }
  /** It was ordered in some shards and perhaps not in others. */
  | { readonly kind: "broken_off"; readonly why: "in_use" | "unknown" };

export async function restoreRedisStore(options: RestoreOptions): Promise<Result<RestoreEnd, OpenFault>> {
  const { place, access, clock, confirm } = options;
  const checked = await checkServers({ place, access, demand: null });
  if (!checked.ok) return checked;
  const visit = { ...options, checked: checked.value, mayBeHalfRestored: true };
  const visited = await visitStore(visit, async (calls) => {
    const signs = await signsOfNobody(calls, clock);
    if (signs === null) return "in_use";
    const found = await health(calls);
    return (await confirm(found)) ? order(calls, found, signs) : ({ kind: "left", found } as const);
  });
  if (!visited.ok) return visited;
  if (visited.value === null) return err(noLedgerFault(describePlace(place)));
  return visited.value === "in_use" ? err(inUseFault(describePlace(place))) : ok(visited.value);
}

/** Null where some node said meanwhile that it lives: each says it every second, and clocks may be wrong. */
async function signsOfNobody(calls: ShardCalls, clock: Clock): Promise<readonly string[] | null> {
  const before = await lastSigns(calls);
  await new Promise<void>((resolve) => clock.after(millis(silentMillis), resolve));
  const after = await lastSigns(calls);
  return after.every((sign, shard) => sign === before[shard]) ? after : null;
}

async function order(calls: ShardCalls, found: LedgerHealth, signs: readonly string[]): Promise<RestoreEnd> {
  const generation = found.generation + 1;
  try {
    const ordered = await restoreStore(calls, { generation, signs, cause });
    return ordered === "in_use" ? { kind: "broken_off", why: "in_use" } : { kind: "restored", generation, found };
  } catch {
    return { kind: "broken_off", why: "unknown" };
  }
}

const cause: Cause = { actor: "broker", requestId: null };

const noLedgerFault = (where: string): OpenFault =>
  openFault(
    "no_ledger",
    `there is no ledger at ${where}`,
    "check the URL and its ?prefix=, and that the data was loaded",
  );

const inUseFault = (where: string): OpenFault =>
  openFault(
    "in_use",
    `brokers are running on ${where}`,
    "stop every node first (as in systemctl stop mayfly, on each machine), and run this again",
  );
