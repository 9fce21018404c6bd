/** The table on stdout and the JSON document. */
import { writeFileSync } from "node:fs";
import { isMet, type Finding, type Measured } from "./finding.ts";
import type { MachineFacts } from "./machine.ts";
import type { Spread } from "./statistics.ts";

export interface Report extends Measured {
  readonly machine: MachineFacts;
  readonly quick: boolean;
  readonly large: boolean;
  readonly seed: number;
  readonly seconds: number;
}

export function formatReport(report: Report): string {
  const { findings, figures, notes, machine } = report;
  const rows = findings.map((finding) => [
    finding.goal,
    finding.against === null ? finding.what : `${finding.what} / ${finding.against}`,
    `${spreadText(finding.value)} ${finding.unit}`,
    boundText(finding),
    isMet(finding) ? "met" : "not met",
  ]);
  const absolute = figures.map(({ name, unit, value }) => [name, `${spreadText(value)} ${unit}`]);
  return [
    machineText(machine),
    "",
    ...columns([["goal", "measured", "median [min-max]", "wanted", ""], ...rows]),
    "",
    "For orientation (absolute figures move with the machine):",
    ...columns(absolute).map((line) => `  ${line}`),
    "",
    ...notes.map((note) => `- ${note}`),
    "",
    `${report.quick ? "Quick run" : report.large ? "Large run" : "Full run"}, seed ${report.seed}, ${Math.round(report.seconds)} s.`,
    "",
  ].join("\n");
}

export function writeJson(file: string, report: Report): void {
  const findings = report.findings.map((finding) => ({ ...finding, met: isMet(finding) }));
  writeFileSync(file, `${JSON.stringify({ ...report, findings }, null, 2)}\n`);
}

function machineText(facts: MachineFacts): string {
  const { cpu, cores, memoryGiB, kernel, fileSystem, node, openssl, sqlite, redis, pinned } = facts;
  const cpuText = `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${kernel}, ${fileSystem}`;
  const pinning = pinned
    ? "servers pinned to the last core, clients to the first"
    : "not pinned: servers and clients share the cores";
  return `${cpuText}\nNode ${node}, OpenSSL ${openssl}, SQLite ${sqlite}, ${redis === null ? "no Redis" : `Redis ${redis}`}; ${pinning}`;
}

const spreadText = ({ median, min, max }: Spread): string =>
  min === max ? numberText(median) : `${numberText(median)} [${numberText(min)}-${numberText(max)}]`;

export function numberText(value: number): string {
  const size = Math.abs(value);
  if (size >= 1000) return Math.round(value).toLocaleString("en-US");
  if (Number.isInteger(value)) return String(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

const boundText = ({ bound, unit }: Finding): string =>
  "atLeast" in bound ? `>= ${bound.atLeast} ${unit}` : `<= ${bound.atMost} ${unit}`;

/** Left-aligned, two spaces apart. */
function columns(rows: readonly (readonly string[])[]): readonly string[] {
  const widths: number[] = [];
  for (const row of rows) for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
