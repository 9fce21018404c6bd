/** One change by an operator: asked of the admin listener, and told in one line. */
import { ok } from "../kernel/result.ts";
import type { ApiRequest } from "./api.ts";
import { exitCodes } from "./exit-code.ts";
import type { ClientFlags } from "./flags.ts";
import type { Outcome } from "./problem.ts";
import { openSession } from "./session.ts";
import type { Shell } from "./shell.ts";

export async function change(
  shell: Shell,
  flags: ClientFlags,
  wish: { request: ApiRequest; done: string },
): Promise<Outcome> {
  const api = await openSession(shell, flags, "admin");
  if (!api.ok) return api;
  const answer = await api.value(wish.request);
  if (!answer.ok) return answer;
  if (flags.json === true) shell.terminal.json(answer.value);
  else shell.terminal.say(wish.done);
  return ok(exitCodes.ok);
}
