/**
 * `mayfly provider test`: each step of the round as it begins and ends. A person sees where it hangs; a program
 * (`--json`) gets the one document at the end.
 */
import { ok } from "../../kernel/result.ts";
import type { Effect } from "../api.ts";
import { exitCodes } from "../exit-code.ts";
import { fieldsOf, listOf, numberOf, optionalText, textOf, type Fields } from "../fields.ts";
import type { ClientFlags } from "../flags.ts";
import { failed, misused, type Outcome } from "../problem.ts";
import { openSession } from "../session.ts";
import type { Shell } from "../shell.ts";
import { tableLine } from "../table.ts";
import { printable, type Terminal } from "../terminal.ts";
import type { NamedValue } from "../values.ts";

interface TestFlags extends ClientFlags {
  readonly template?: string;
  readonly param?: readonly NamedValue[];
}

/** The kill alone may take half a minute. */
const testSeconds = 60;

const effect: Effect = {
  unchanged: "nothing was minted",
  maybe: "a credential may have been minted; nobody has it, and the broker revokes it",
};

export async function testProvider(shell: Shell, flags: TestFlags, provider: string): Promise<Outcome> {
  const { template } = flags;
  if (template === undefined)
    return misused("say of which template", `add --template NAME, one whose provider is ${provider}`);
  const api = await openSession(shell, flags, "admin");
  if (!api.ok) return api;
  const { terminal } = shell;
  const parameters = Object.fromEntries((flags.param ?? []).map(({ name, value }) => [name, value]));
  const printer = createStepPrinter(terminal);
  const answer = await api.value({
    method: "POST",
    path: "/admin/providers/test",
    json: { provider, template, parameters },
    waitSeconds: testSeconds,
    effect,
    ...(flags.json !== true && { onLine: (line) => printer.tell(line) }),
  });
  if (!answer.ok) return answer;
  const passed = answer.value["passed"];
  if (typeof passed !== "boolean") return brokenOff();
  if (flags.json === true) terminal.json(answer.value);
  else {
    printer.rest(listOf(answer.value, "steps"));
    terminal.say(passed ? terminal.style.good(verdictOf(answer.value)) : terminal.style.bad(`${provider} failed`));
  }
  return ok(passed ? exitCodes.ok : exitCodes.providerDown);
}

const brokenOff = (): Outcome =>
  failed({
    what: "the broker's answer broke off before the last step",
    unchanged: `cannot be told; ${effect.maybe}`,
    next: "try again; the command may be repeated",
  });

const verdictOf = (answer: Fields): string =>
  answer["kill_seen"] === true
    ? "it worked, was killed, and was then refused"
    : "no step failed, but its kill could not be seen";

/** The longest name, the longest outcome, a minute with its thousandths. */
const widths = [9, 9, 7];

function createStepPrinter(terminal: Terminal) {
  let printed = 0;
  const print = (step: Fields): void => {
    terminal.redraw("");
    if (printed === 0) terminal.data(tableLine(["STEP", "OUTCOME", "SECONDS", "DETAIL"], widths));
    printed += 1;
    terminal.data(tableLine(rowOf(step), widths));
    const fix = optionalText(step, "fix");
    if (fix !== null) terminal.say(printable(`${nameOf(step)}: ${fix}`));
  };
  return {
    /** What began is shown only where it can be taken back. */
    tell(line: Fields): void {
      const began = optionalText(line, "began");
      if (began !== null) terminal.redraw(printable(`${began} ...`));
      if ("ended" in line) print(fieldsOf(line, "ended"));
    },
    /** Of a broker that told nothing on the way. */
    rest(steps: readonly Fields[]): void {
      for (const step of steps.slice(printed)) print(step);
    },
  };
}

const nameOf = (step: Fields): string => textOf(step, "step").replace("_", " ");
const rowOf = (step: Fields): readonly string[] => [
  nameOf(step),
  textOf(step, "outcome").replace("_", " "),
  numberOf(step, "seconds").toFixed(3),
  textOf(step, "detail"),
];
