/** What a kill would hit. Asking changes nothing. */
import { ok, type Result } from "../kernel/result.ts";
import { readsOnly, type Api } from "./api.ts";
import { fieldsOf, numberOf, type Fields } from "./fields.ts";
import type { Problem } from "./problem.ts";
import type { Terminal } from "./terminal.ts";

export interface BlastRadius {
  readonly tasks: number;
  readonly leases: number;
  readonly byProvider: Readonly<Record<string, number>>;
}

/** A scope as the API takes it. */
export function scopeBody(scope: string): Fields {
  const separator = scope.indexOf(":");
  if (separator < 0) return { kind: scope };
  const kind = scope.slice(0, separator);
  return kind === "task" ? { kind, id: scope.slice(separator + 1) } : { kind, name: scope.slice(separator + 1) };
}

export async function askBlastRadius(api: Api, scope: string): Promise<Result<BlastRadius, Problem>> {
  const answer = await api({ method: "GET", path: "/admin/blast-radius", query: { scope }, effect: readsOnly });
  return answer.ok ? ok(readBlastRadius(answer.value)) : answer;
}

function readBlastRadius(answer: Fields): BlastRadius {
  const byProvider = fieldsOf(answer, "by_provider");
  return {
    tasks: numberOf(answer, "tasks"),
    leases: numberOf(answer, "leases"),
    byProvider: Object.fromEntries(Object.keys(byProvider).map((name) => [name, numberOf(byProvider, name)])),
  };
}

export const blastRadiusJson = (radius: BlastRadius) => ({
  tasks: radius.tasks,
  leases: radius.leases,
  by_provider: radius.byProvider,
});

export function sayBlastRadius(terminal: Terminal, scope: string, radius: BlastRadius): void {
  const { style } = terminal;
  const sayNumber = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`;
  const covered = `${sayNumber(radius.tasks, "open task")} and ${sayNumber(radius.leases, "live credential")}`;
  terminal.say(`${style.strong(scope)} covers ${covered}`);
  // A wrong name looks just like one whose work is done.
  if (radius.tasks === 0 && radius.leases === 0 && scope !== "all")
    terminal.say(style.bad(`  nothing lives under this name: if something should, check that it is written right`));
  for (const [provider, count] of Object.entries(radius.byProvider))
    terminal.say(`  ${String(count).padStart(6)}  at ${provider}`);
}
