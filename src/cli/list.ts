/** A list as every `ls` shows it: a table on stdout, JSON when asked, a word on stderr when it is empty. */
import { ok } from "../kernel/result.ts";
import { readsOnly } from "./api.ts";
import { exitCodes } from "./exit-code.ts";
import { listOf, optionalText, type Fields } from "./fields.ts";
import type { ClientFlags } from "./flags.ts";
import type { Outcome } from "./problem.ts";
import { openSession } from "./session.ts";
import type { Shell } from "./shell.ts";
import { tableLines } from "./table.ts";

export interface ListView {
  readonly path: string;
  /** The member of the answer that holds the rows. */
  readonly member: string;
  readonly heading: readonly string[];
  readonly row: (item: Fields) => readonly string[];
  readonly empty: string;
}

/** 50 thousand rows; whoever has more reads the API. */
const maxPages = 250;

export async function showList(shell: Shell, flags: ClientFlags, view: ListView): Promise<Outcome> {
  const { terminal } = shell;
  const api = await openSession(shell, flags, "admin");
  if (!api.ok) return api;
  const items: Fields[] = [];
  let after: string | undefined;
  for (let page = 0; page < maxPages; page += 1) {
    const answer = await api.value({ method: "GET", path: view.path, query: { after }, effect: readsOnly });
    if (!answer.ok) return answer;
    items.push(...listOf(answer.value, view.member));
    after = optionalText(answer.value, "next") ?? undefined;
    if (after === undefined) break;
  }
  if (flags.json === true) terminal.json({ [view.member]: items });
  else if (items.length === 0) terminal.say(view.empty);
  else for (const line of tableLines(view.heading, items.map(view.row))) terminal.data(line);
  return ok(exitCodes.ok);
}
