/** What `mayfly doctor` finds. Never a secret, nor a word of a stranger. */
import type { ProviderNotes } from "../../ports/ledger-views.ts";

/** One line of `mayfly doctor`. A failure would stop the broker or a promise of it; a warning would not. */
export interface Finding {
  readonly check: string;
  readonly level: "ok" | "warn" | "fail";
  readonly detail: string;
  /** What to do, for all but `ok`. */
  readonly fix: string | null;
}

/** What is found of a ledger, and what it knows of providers; null where it could not say or is not there yet. */
export interface LedgerFindings {
  readonly findings: readonly Finding[];
  readonly notes: readonly ProviderNotes[] | null;
}

export const fine = (check: string, detail: string): Finding => ({ check, level: "ok", detail, fix: null });
export const warn = (check: string, detail: string, fix: string): Finding => ({ check, level: "warn", detail, fix });
export const fail = (check: string, detail: string, fix: string): Finding => ({ check, level: "fail", detail, fix });
