/** Targets of revocation and the state of their breakers. Known from configuration, so there are few. */
import type { ProviderName, TargetName } from "../../../domain/names.ts";
import { brand } from "../../../kernel/brand.ts";
import { epochMillis } from "../../../kernel/time.ts";
import type { Breaker } from "../../../ports/ledger-commands.ts";
import { integer, integerOrNull, text, type SqlRow } from "../driver.ts";
import type { View } from "../tx.ts";

export interface TargetRecord {
  readonly key: number;
  readonly target: TargetName;
  readonly provider: ProviderName;
  readonly breaker: Breaker;
  readonly paused: boolean;
  /** Breaker or pause were set once: it is listed even when nothing of it lives. */
  readonly isSet: boolean;
}

const columns = "key, name, provider, open_until, open_reason, paused, is_set";

function targetFromRow(row: SqlRow): TargetRecord {
  const [key, name, provider, openUntil, openReason, paused, isSet] = row;
  const until = integerOrNull(openUntil);
  return {
    key: integer(key),
    target: brand<TargetName>(text(name)),
    provider: brand<ProviderName>(text(provider)),
    breaker:
      until === null ? { kind: "closed" } : { kind: "open", until: epochMillis(until), reason: text(openReason) },
    paused: integer(paused) === 1,
    isSet: integer(isSet) === 1,
  };
}

export function listTargetRecords(view: View): readonly TargetRecord[] {
  return view.sql.all(`SELECT ${columns} FROM target ORDER BY name`).map(targetFromRow);
}

export function findTarget(view: View, target: TargetName): TargetRecord | undefined {
  const cached = view.cache.targets.get(target);
  if (cached !== undefined) return cached;
  const row = view.sql.get(`SELECT ${columns} FROM target WHERE name = ?`, target);
  if (row === undefined) return undefined;
  const record = targetFromRow(row);
  view.cache.targets.set(target, record);
  return record;
}

/** The target's row, made when it is first named. */
export function internTarget(view: View, target: TargetName, provider: ProviderName): TargetRecord {
  const known = findTarget(view, target);
  if (known !== undefined) return known;
  view.sql.run("INSERT INTO target (name, provider, paused, is_set) VALUES (?, ?, 0, 0)", target, provider);
  const made = findTarget(view, target);
  if (made === undefined) throw new Error("a target that was just written is missing");
  return made;
}

export function storeTarget(view: View, record: TargetRecord): void {
  const { breaker, key, paused, target } = record;
  const until = breaker.kind === "open" ? breaker.until : null;
  const reason = breaker.kind === "open" ? breaker.reason : null;
  view.sql.run(
    "UPDATE target SET open_until = ?, open_reason = ?, paused = ?, is_set = 1 WHERE key = ?",
    until,
    reason,
    paused ? 1 : 0,
    key,
  );
  view.cache.targets.set(target, record);
}
