/** `mayfly provider`: what each provider can do, a round that proves its kill, and a comparison with the ledger. */
import type { Command } from "commander";
import { ok } from "../../kernel/result.ts";
import { exitCodes } from "../exit-code.ts";
import { fieldsOf, listOf, numberOf, optionalText, textOf, type Fields } from "../fields.ts";
import { withAdmin, withExamples, type ClientFlags } from "../flags.ts";
import { showList, type ListView } from "../list.ts";
import { misused, type Outcome } from "../problem.ts";
import type { Run } from "../run.ts";
import { openSession } from "../session.ts";
import type { Shell } from "../shell.ts";
import { tableLines } from "../table.ts";
import { collectNamed, resourceName, type NamedValue } from "../values.ts";

interface TestFlags extends ClientFlags {
  readonly template?: string;
  readonly param?: readonly NamedValue[];
}

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

/** The kill alone may take half a minute. */
const testSeconds = 60;

async function testProvider(shell: Shell, flags: TestFlags, provider: string): Promise<Outcome> {
  const { template } = flags;
  if (template === undefined)
    return misused("say of which template", `add --template NAME, one whose provider is ${provider}`);
  const api = await openSession(shell, flags, "admin");
  if (!api.ok) return api;
  const parameters = Object.fromEntries((flags.param ?? []).map(({ name, value }) => [name, value]));
  const answer = await api.value({
    method: "POST",
    path: "/admin/providers/test",
    json: { provider, template, parameters },
    waitSeconds: testSeconds,
    effect: {
      unchanged: "nothing was minted",
      maybe: "a credential may have been minted; nobody has it, and the broker revokes it",
    },
  });
  if (!answer.ok) return answer;
  const passed = answer.value["passed"] === true;
  const { terminal } = shell;
  if (flags.json === true) terminal.json(answer.value);
  else {
    for (const line of tableLines(["STEP", "OUTCOME", "SECONDS", "DETAIL"], listOf(answer.value, "steps").map(rowOf)))
      terminal.data(line);
    for (const step of listOf(answer.value, "steps")) {
      const fix = optionalText(step, "fix");
      if (fix !== null) terminal.say(`${nameOf(step)}: ${fix}`);
    }
    terminal.say(passed ? terminal.style.good(verdictOf(answer.value)) : terminal.style.bad(`${provider} failed`));
  }
  return ok(passed ? exitCodes.ok : exitCodes.providerDown);
}

const nameOf = (step: Fields): string => textOf(step, "step").replace("_", " ");
const rowOf = (step: Fields): readonly string[] => [
  nameOf(step),
  textOf(step, "outcome").replace("_", " "),
  numberOf(step, "seconds").toFixed(3),
  textOf(step, "detail"),
];
const verdictOf = (answer: Fields): string =>
  answer["kill_seen"] === true
    ? "it worked, was killed, and was then refused"
    : "no step failed, but its kill could not be seen";

async function compareProvider(shell: Shell, flags: ClientFlags, provider: string): Promise<Outcome> {
  const api = await openSession(shell, flags, "admin");
  if (!api.ok) return api;
  const answer = await api.value({
    method: "POST",
    path: "/admin/providers/drift",
    json: { provider },
    waitSeconds: testSeconds,
    effect: { unchanged: null, maybe: "strays there may have been ended; running it again is harmless" },
  });
  if (!answer.ok) return answer;
  const unfinished = optionalText(answer.value, "unfinished");
  if (flags.json === true) shell.terminal.json(answer.value);
  else {
    for (const line of tableLines(["WHAT", "COUNT"], driftRows(answer.value))) shell.terminal.data(line);
    shell.terminal.say(unfinished === null ? "all was compared" : `not all was compared: ${unfinished}`);
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
