/** `mayfly provider`: what each provider can do, a round that proves its kill, and a comparison with the ledger. */
import type { Command } from "commander";
import { ok } from "../../kernel/result.ts";
import { exitCodes } from "../exit-code.ts";
import { fieldsOf, numberOf, optionalText, textOf, type Fields } from "../fields.ts";
import { withAdmin, withExamples, type ClientFlags } from "../flags.ts";
import { showList, type ListView } from "../list.ts";
import type { Outcome } from "../problem.ts";
import type { Run } from "../run.ts";
import { openSession } from "../session.ts";
import type { Shell } from "../shell.ts";
import { tableLines } from "../table.ts";
import { printable } from "../terminal.ts";
import { collectNamed, resourceName } from "../values.ts";
import { testProvider } from "./provider-test.ts";

const providers: ListView = {
  path: "/admin/providers",
  member: "providers",
  heading: ["PROVIDER", "TYPE", "STATE", "REVOCATION", "KILL", "LIFETIME", "DETAIL"],
  row: (provider) => [
    textOf(provider, "provider"),
    textOf(provider, "type"),
    stateOf(provider),
    textOf(fieldsOf(provider, "capabilities"), "revocation"),
    killText(provider),
    textOf(fieldsOf(provider, "capabilities"), "ttl"),
    textOf(provider, "problem"),
  ],
  empty: "the policy has no provider",
};

const stateOf = (provider: Fields): string =>
  provider["held"] === true ? "held" : provider["reachable"] === true ? "ok" : "failing";

const killTexts: Readonly<Record<string, string>> = {
  seen: "seen",
  not_seen: "kill not yet seen",
  cannot_be_seen: "not observable",
};
export const killText = (from: Fields): string => killTexts[textOf(from, "kill")] ?? "-";

export function addProviderCommands(program: Command, run: Run): void {
  const provider = program.command("provider").description("the systems that credentials come from");
  const list = provider
    .command("ls")
    .description("what each can do, whether it answers, and whether its kill was seen");
  withExamples(
    withAdmin(list),
    "mayfly provider ls",
    "mayfly provider ls --json | jq '.providers[].capabilities'",
  ).action(run((shell: Shell, flags: ClientFlags) => showList(shell, flags, providers)));

  const test = provider
    .command("test")
    .description("mint a credential that nobody gets, use it, kill it, and use it again");
  test.argument("<provider>", "the Provider", resourceName);
  test.option("--template <name>", "the CredentialTemplate to mint of", resourceName);
  test.option("--param <name=value>", "a parameter of the template; name:=JSON for other than text", collectNamed);
  withExamples(withAdmin(test), "mayfly provider test ledger-db --template ledger-read --param tenant=emea").action(
    run(testProvider),
  );

  const drift = provider
    .command("drift")
    .description("compare what lives there with the ledger now, and end what does not belong there");
  drift.argument("<provider>", "the Provider", resourceName);
  withExamples(withAdmin(drift), "mayfly provider drift ledger-db").action(run(compareProvider));
}

/** A large system is listed in pages, and its strays are ended on the way. */
const compareSeconds = 60;

async function compareProvider(shell: Shell, flags: ClientFlags, provider: string): Promise<Outcome> {
  const api = await openSession(shell, flags, "admin");
  if (!api.ok) return api;
  const answer = await api.value({
    method: "POST",
    path: "/admin/providers/drift",
    json: { provider },
    waitSeconds: compareSeconds,
    effect: { unchanged: null, maybe: "strays there may have been ended; running it again is harmless" },
  });
  if (!answer.ok) return answer;
  const unfinished = optionalText(answer.value, "unfinished");
  if (flags.json === true) shell.terminal.json(answer.value);
  else {
    for (const line of tableLines(["WHAT", "COUNT"], driftRows(answer.value))) shell.terminal.data(line);
    shell.terminal.say(printable(unfinished === null ? "all was compared" : `not all was compared: ${unfinished}`));
  }
  return ok(unfinished === null ? exitCodes.ok : exitCodes.providerDown);
}

const driftRows = (report: Fields): readonly (readonly string[])[] => [
  ["found there", String(numberOf(report, "found"))],
  ["strays ended", String(numberOf(report, "strays_ended"))],
  ["strays too young to tell", String(numberOf(report, "strays_young"))],
  ["strays not ended", String(numberOf(report, "strays_not_ended"))],
  ["kills undone, due again", String(numberOf(report, "undone"))],
  ["missing there, due", String(numberOf(report, "missing"))],
];
