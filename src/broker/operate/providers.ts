/** What operators read of providers: what each can do, whether it answers, and whether its kill was ever seen to work. */
import type { Capabilities } from "../../domain/capabilities.ts";
import type { ProviderName } from "../../domain/names.ts";
import { err, ok, type Result } from "../../kernel/result.ts";
import { millis, seconds, type EpochMillis } from "../../kernel/time.ts";
import type { Provider } from "../../ports/provider.ts";
import { bounded } from "../bounded.ts";
import { isOperator } from "../callers/may.ts";
import type { DriftReport } from "../drift/reconcile.ts";
import type { Fault } from "../fault.ts";
import type { BrokerParts, Caller } from "../parts.ts";
import { killRecordOf, type KillRecord } from "./kill-records.ts";

type Parts = Pick<BrokerParts, "ledger" | "clock" | "providers" | "policy" | "isHeld" | "drift">;
const notFound: Fault = { code: "not_found" };

export interface ProviderReport {
  readonly name: ProviderName;
  readonly type: string;
  readonly capabilities: Capabilities;
  /** Null: it answers. */
  readonly problem: string | null;
  readonly kill: KillRecord;
  /** When what lives there was last compared with the ledger; null where it never was. */
  readonly comparedAt: EpochMillis | null;
  /** Nothing is minted there until a restore was followed up. */
  readonly held: boolean;
}

/** Each is asked whether it answers; a slow one holds nobody up for longer. */
const checkTimeout = millis(5_000);

export async function listProviders(parts: Parts, caller: Caller): Promise<Result<readonly ProviderReport[], Fault>> {
  if (!isOperator(caller, "read")) return err(notFound);
  const notes = await parts.ledger.listProviderNotes();
  const resources = [...parts.policy().providers.values()];
  const reports = await Promise.all(
    resources.map(async ({ name, type }): Promise<readonly ProviderReport[]> => {
      const provider = parts.providers.current(name);
      if (provider === undefined) return [];
      const note = notes.find((one) => one.provider === name);
      return [
        {
          name,
          type,
          capabilities: provider.capabilities,
          problem: await problemOf(parts, provider),
          kill: killRecordOf(provider, note),
          comparedAt: note?.reconciled?.at ?? null,
          held: parts.isHeld?.(name) ?? false,
        },
      ];
    }),
  );
  return ok(reports.flat().toSorted((left, right) => (left.name < right.name ? -1 : 1)));
}

export async function problemOf({ clock }: Pick<Parts, "clock">, provider: Provider): Promise<string | null> {
  const checked = await bounded<Result<void, string>>(clock, checkTimeout, err("no_answer"), (signal) =>
    provider.check(signal),
  );
  return checked.ok ? null : checked.fault;
}

/** `unavailable` where another node is at it, or the ledger did not say. */
export async function compareProvider(
  parts: Parts,
  caller: Caller,
  name: ProviderName,
): Promise<Result<DriftReport, Fault>> {
  if (!isOperator(caller, "kill")) return err(notFound);
  if (!parts.policy().providers.has(name)) return err(notFound);
  const report = await parts.drift?.compare(name);
  return report ? ok(report) : err({ code: "unavailable", why: "request_in_flight", retryAfterSeconds: seconds(10) });
}
