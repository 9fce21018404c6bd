/** `mayfly targets`: the systems where credentials die, what waits there, and what an operator may turn. */
import type { Command } from "commander";
import { ok } from "../../kernel/result.ts";
import { readsOnly, type ApiRequest } from "../api.ts";
import { change } from "../change.ts";
import { exitCodes } from "../exit-code.ts";
import { listOf, numberOf, optionalText, textOf, type Fields } from "../fields.ts";
import { killText } from "./provider.ts";
import { withAdmin, withExamples, type ClientFlags } from "../flags.ts";
import { showList, type ListView } from "../list.ts";
import { failed, type Outcome } from "../problem.ts";
import { retryStuck } from "../retry.ts";
import type { Run } from "../run.ts";
import { openSession } from "../session.ts";
import type { Shell } from "../shell.ts";
import { tableLines } from "../table.ts";
import { targetText } from "../values.ts";

const targets: ListView = {
  path: "/admin/targets",
  member: "targets",
  heading: ["TARGET", "STATE", "DUE", "OLDEST DUE", "IN HAND", "STUCK", "DETAIL"],
  row: (target) => [
    textOf(target, "target"),
    stateOf(target),
    String(numberOf(target, "due")),
    optionalText(target, "oldest_due_at") ?? "-",
    String(numberOf(target, "claimed")),
    String(numberOf(target, "stuck")),
    [detailOf(target), unseenOf(target)].filter(Boolean).join("; "),
  ],
  empty: "no target has a live credential",
};

const detailOf = (target: Fields): string =>
  [textOf(target, "breaker_reason"), optionalText(target, "breaker_until")].filter(Boolean).join(", next try ");

/** Of one whose kill was seen, or never can be, there is nothing to do. */
const unseenOf = (target: Fields): string => (textOf(target, "kill") === "not_seen" ? killText(target) : "");

function stateOf(target: Fields): string {
  if (target["paused"] === true) return "paused";
  return textOf(target, "breaker") === "open" ? "failing" : "ok";
}

export function addTargetCommands(program: Command, run: Run): void {
  const target = program.command("targets").description("the systems where credentials are revoked");
  const list = target.command("ls").description("each with its queue and whether it answers");
  withExamples(withAdmin(list), "mayfly targets ls").action(
    run((shell: Shell, flags: ClientFlags) => showList(shell, flags, targets)),
  );
  const show = withTarget(target.command("show").description("all that is known of one"));
  withExamples(withAdmin(show), "mayfly targets show ledger-db").action(run(showTarget));
  for (const { name, description } of switches) {
    const command = withTarget(target.command(name).description(description));
    withExamples(withAdmin(command), `mayfly targets ${name} ledger-db`);
    command.action(run((shell: Shell, flags: ClientFlags, text: string) => switchTarget(shell, flags, name, text)));
  }
  const retry = withTarget(
    target.command("retry").description("try at once what failed or is stuck there, after it was mended"),
  );
  withExamples(withAdmin(retry), "mayfly targets retry ledger-db").action(run(retryTarget));
}

const withTarget = (command: Command): Command =>
  command.argument("<target>", "as `mayfly targets ls` shows it", targetText);

const switches = [
  {
    name: "pause",
    description:
      "hold back its kills and its mints, during a maintenance of that system; credentials live on meanwhile",
  },
  { name: "resume", description: "let it work again, and try what is due at once" },
] as const;

async function showTarget(shell: Shell, flags: ClientFlags, target: string): Promise<Outcome> {
  const api = await openSession(shell, flags, "admin");
  if (!api.ok) return api;
  const answer = await api.value({ method: "GET", path: "/admin/targets", effect: readsOnly });
  if (!answer.ok) return answer;
  const found = listOf(answer.value, "targets").find((one) => textOf(one, "target") === target);
  if (found === undefined)
    return failed({
      exitCode: exitCodes.denied,
      what: `no target ${target} is known`,
      next: "`mayfly targets ls` shows all; one appears with its first credential",
    });
  if (flags.json === true) shell.terminal.json(found);
  else for (const line of tableLines(["target", target], linesOf(found))) shell.terminal.data(line);
  return ok(exitCodes.ok);
}

/** Only a ledger that several nodes share has queues. */
const wakeUpsOf = (target: Fields): readonly (readonly string[])[] =>
  target["wake_ups_waiting"] === undefined
    ? []
    : [["wake-ups", `${numberOf(target, "wake_ups_waiting")} wait, ${numberOf(target, "wake_ups_active")} run`]];

const linesOf = (target: Fields): readonly (readonly string[])[] => [
  ["provider", textOf(target, "provider")],
  ["state", stateOf(target)],
  ["due now", String(numberOf(target, "due"))],
  ["oldest due", optionalText(target, "oldest_due_at") ?? "-"],
  ["in hand", String(numberOf(target, "claimed"))],
  ["stuck", String(numberOf(target, "stuck"))],
  ["kill", killText(target)],
  ...wakeUpsOf(target),
  ["breaker", textOf(target, "breaker")],
  ["because", optionalText(target, "breaker_reason") ?? "-"],
  ["next try", optionalText(target, "breaker_until") ?? "-"],
];

async function switchTarget(
  shell: Shell,
  flags: ClientFlags,
  name: "pause" | "resume",
  target: string,
): Promise<Outcome> {
  return change(shell, flags, {
    request: changeOf(name, target),
    done:
      name === "pause" ? `${target} is paused: nothing is revoked there until it is resumed` : `${target} works again`,
  });
}

async function retryTarget(shell: Shell, flags: ClientFlags, target: string): Promise<Outcome> {
  const api = await openSession(shell, flags, "admin");
  if (!api.ok) return api;
  const state = await api.value(changeOf("retry", target));
  if (!state.ok) return state;
  const stuck = await retryStuck(api.value, { kind: "target", name: target });
  if (!stuck.ok) return stuck;
  if (flags.json === true) shell.terminal.json({ ...state.value, retried_stuck: stuck.value });
  else if (state.value["paused"] === true)
    shell.terminal.say(`${target} is paused: all is due, but nothing is tried until \`mayfly targets resume\``);
  else shell.terminal.say(`${target}: what waited is tried now, ${stuck.value} stuck ones among it`);
  return ok(exitCodes.ok);
}

const changeOf = (action: "pause" | "resume" | "retry", target: string): ApiRequest => ({
  method: "POST",
  path: `/admin/targets/${action}`,
  json: { target },
  effect: { unchanged: "the target is as it was", maybe: "it may have changed; `mayfly targets ls` tells" },
});
