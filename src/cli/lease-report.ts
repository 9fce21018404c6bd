/**
 * What the broker says about the credentials of an end, as a person reads it: how many are dead and by whose word, and
 * a line for each that is not. Says "revoked" and "verified" only where the broker does.
 */
import { exitCodes, type ExitCode } from "./exit-code.ts";
import { numberOf, optionalText, textOf, type Fields } from "./fields.ts";
import { tableLines } from "./table.ts";
import type { Terminal } from "./terminal.ts";

const deadWords: Readonly<Record<string, string>> = {
  "dead-verified": "dead, verified",
  "dead-unverified": "dead by the provider's word",
  "already-gone": "dead, was already gone",
  expired: "expired",
  "never-minted": "never minted",
};
const livingWords: Readonly<Record<string, string>> = {
  live: "live",
  pending: "pending",
  "usable-until": "usable until its expiry",
  "needs-a-person": "stuck, needs a person",
};

export type VerdictCounts = Readonly<Record<string, number>>;

export function countVerdicts(leases: readonly Fields[]): VerdictCounts {
  const counts: Record<string, number> = {};
  for (const lease of leases) {
    const verdict = textOf(lease, "verdict");
    counts[verdict] = (counts[verdict] ?? 0) + 1;
  }
  return counts;
}

export const isDead = (verdict: string): boolean => deadWords[verdict] !== undefined;

const countOf = (counts: VerdictCounts, wanted: (verdict: string) => boolean): number =>
  Object.entries(counts).reduce((sum, [verdict, count]) => sum + (wanted(verdict) ? count : 0), 0);

export const notDeadCount = (counts: VerdictCounts): number => countOf(counts, (verdict) => !isDead(verdict));

/** Ended, but something may still be usable: a script must be able to tell. */
export const endExitCode = (counts: VerdictCounts): ExitCode =>
  notDeadCount(counts) === 0 ? exitCodes.ok : exitCodes.providerDown;

export function sayCounts(terminal: Terminal, counts: VerdictCounts): void {
  const { style } = terminal;
  const entries = Object.entries({ ...deadWords, ...livingWords }).filter(([verdict]) => (counts[verdict] ?? 0) > 0);
  if (entries.length === 0) terminal.say("  no credentials");
  for (const [verdict, words] of entries) {
    const paint = isDead(verdict) ? style.good : style.bad;
    terminal.say(`  ${String(counts[verdict] ?? 0).padStart(6)}  ${paint(words)}`);
  }
}

/** An answer is only as durable as the store that it stands in. */
export function sayCouldLose(terminal: Terminal, answer: Fields): void {
  const seconds = answer["could_lose_seconds"];
  if (seconds === undefined) return;
  const what = typeof seconds === "number" ? `the last ${seconds} s of its changes` : "all of it";
  terminal.say(terminal.style.bad(`  if the ledger's server dies now, ${what} could be lost; see \`mayfly doctor\``));
}

export const leaseHeading = ["LEASE", "TEMPLATE", "PROVIDER", "STATE", "DETAIL"];

export function leaseRow(lease: Fields): string[] {
  const verdict = textOf(lease, "verdict");
  return [
    textOf(lease, "lease_id"),
    textOf(lease, "template"),
    textOf(lease, "provider"),
    deadWords[verdict] ?? livingWords[verdict] ?? textOf(lease, "state"),
    detailOf(lease),
  ];
}

function detailOf(lease: Fields): string {
  const parts = [
    labelled("at", optionalText(lease, "dead_at")),
    labelled("usable until", optionalText(lease, "usable_until")),
    labelled("next try", optionalText(lease, "next_attempt_at")),
    numberOf(lease, "attempts") > 0 ? `tried ${numberOf(lease, "attempts")} times` : "",
    labelled("because", optionalText(lease, "reason")),
    labelled("fix:", optionalText(lease, "fix")),
    lease["kill_seen"] === false ? "its provider's kill was not yet seen" : "",
  ];
  return parts.filter(Boolean).join(", ");
}

const labelled = (label: string, value: string | null): string => (value === null ? "" : `${label} ${value}`);

export const leaseLines = (leases: readonly Fields[]): string[] => tableLines(leaseHeading, leases.map(leaseRow));
