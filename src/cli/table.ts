/** Rows as aligned columns. */
import { printable } from "./terminal.ts";

export function tableLines(heading: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [heading, ...rows];
  const widths = heading.map((_, column) => Math.max(...all.map((row) => clean(row[column] ?? "").length)));
  return all.map((row) => tableLine(row, widths));
}

/** One row, for a table whose other rows are not known yet. The last column is as wide as it is. */
export const tableLine = (row: readonly string[], widths: readonly number[]): string =>
  row
    .map((cell, column) => (column === row.length - 1 ? clean(cell) : clean(cell).padEnd(widths[column] ?? 0)))
    .join("  ")
    .trimEnd();

const clean = (cell: string): string => printable(cell).replaceAll(/[\n\t]/g, " ");
