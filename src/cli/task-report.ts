/** A task's report, all of its pages. */
import { ok, type Result } from "../kernel/result.ts";
import { readsOnly, type Api } from "./api.ts";
import { listOf, optionalText, type Fields } from "./fields.ts";
import type { Problem } from "./problem.ts";

export interface TaskReport {
  /** As the broker answered, with the leases of every page. */
  readonly answer: Fields;
  readonly leases: readonly Fields[];
}

/** 50 thousand leases: a report for a person; the API pages further. */
const maxPages = 250;

/** `first` is an answer that holds the first page. */
export async function completeReport(api: Api, path: string, first: Fields): Promise<Result<TaskReport, Problem>> {
  const leases = [...listOf(first, "leases")];
  let next = optionalText(first, "next");
  for (let page = 1; next !== null && page < maxPages; page += 1) {
    const more = await api({ method: "GET", path, query: { after: next }, effect: readsOnly });
    if (!more.ok) return more;
    leases.push(...listOf(more.value, "leases"));
    next = optionalText(more.value, "next");
  }
  const { next: _cursor, ...rest } = first;
  return ok({ answer: { ...rest, leases, next }, leases });
}
