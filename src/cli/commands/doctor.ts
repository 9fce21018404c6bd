/** `mayfly doctor`: a line for each check, and what to do about those that are not fine. */
import type { Command } from "commander";
import { ok } from "../../kernel/result.ts";
import { exitCodes } from "../exit-code.ts";
import { withExamples, withJson, type OutputFlags } from "../flags.ts";
import type { Outcome } from "../problem.ts";
import type { Run } from "../run.ts";
import type { Shell } from "../shell.ts";
import { withServeFlags, type ServeFlags } from "./serve.ts";

/** As the examination tells it. */
interface Finding {
  readonly check: string;
  readonly level: "ok" | "warn" | "fail";
  readonly detail: string;
  readonly fix: string | null;
}

export function addDoctorCommand(program: Command, run: Run): void {
  const doctor = program
    .command("doctor")
    .description("examine what `mayfly serve` would stand on, with the same flags; changes nothing");
  withExamples(
    withJson(withServeFlags(doctor)),
    "mayfly doctor --policy ./policy --development",
    "mayfly doctor --json | jq '.findings[] | select(.level != \"ok\")'",
  );
  doctor.action(run(runDoctor));
}

async function runDoctor(shell: Shell, flags: ServeFlags & OutputFlags): Promise<Outcome> {
  const { terminal } = shell;
  const { examine } = await import("../../entry/doctor/examine.ts");
  const findings: Finding[] = [];
  for await (const finding of examine(flags, shell.env)) {
    findings.push(finding);
    if (flags.json === true) continue;
    terminal.data(`${finding.level.padEnd(4)}  ${finding.check}: ${finding.detail}`);
    if (finding.fix !== null) terminal.data(`      ${finding.fix}`);
  }
  const countOf = (level: Finding["level"]): number => findings.filter((finding) => finding.level === level).length;
  const failures = countOf("fail");
  if (flags.json === true) terminal.json({ healthy: failures === 0, findings });
  else
    terminal.say(
      failures === 0
        ? terminal.style.good(`no failures, ${countOf("warn")} warnings`)
        : terminal.style.bad(`${failures} failures, ${countOf("warn")} warnings`),
    );
  return ok(failures === 0 ? exitCodes.ok : exitCodes.error);
}
