/** `mayfly policy check` and `schema`: for an editor and for the CI of a policy repository. Contacts nothing. */
import type { Command } from "commander";
import type { PolicyFault } from "../../policy/parse/fault.ts";
import { ok } from "../../kernel/result.ts";
import { exitCodes } from "../exit-code.ts";
import { withExamples, withJson, type OutputFlags } from "../flags.ts";
import type { Outcome } from "../problem.ts";
import type { Run } from "../run.ts";
import type { Shell } from "../shell.ts";

export function addPolicyCommands(program: Command, run: Run): void {
  const policy = program.command("policy").description("the folder of policy files");
  const check = policy
    .command("check")
    .description("every fault with its file, line and fix; exit code 1 if there is one");
  check.argument("<dir>", "the folder, as for --policy");
  withExamples(
    withJson(check),
    "mayfly policy check ./policy",
    "mayfly policy check ./policy --json | jq '.faults[].fix'",
  );
  check.action(run(checkFolder));
  const schema = policy.command("schema").description("the JSON Schema of the policy files, for editors");
  withExamples(
    schema,
    "mayfly policy schema > mayfly-policy.schema.json   # first line of a policy file:",
    "  # yaml-language-server: $schema=./mayfly-policy.schema.json",
  );
  schema.action(run(printSchema));
}

async function checkFolder(shell: Shell, flags: OutputFlags, dir: string): Promise<Outcome> {
  const { terminal } = shell;
  const { checkPolicy } = await import("../../entry/check-policy.ts");
  const loaded = await checkPolicy(dir, shell.env);
  const faults = loaded.ok ? [] : loaded.fault;
  const warnings = loaded.ok ? loaded.value.warnings : [];
  const digest = loaded.ok ? loaded.value.policy.digest : null;
  if (flags.json === true) terminal.json({ valid: loaded.ok, digest, faults, warnings });
  else {
    for (const fault of faults) terminal.data(lineOf(fault, "error"));
    for (const warning of warnings) terminal.data(lineOf(warning, "warning"));
    const { style } = terminal;
    if (loaded.ok) {
      const { templates, agents, providers } = loaded.value.policy;
      terminal.say(
        style.good(`valid: ${templates.size} templates, ${agents.size} agents, ${providers.size} providers`),
      );
    } else
      terminal.say(
        style.bad(
          `${faults.length} ${faults.length === 1 ? "fault" : "faults"}; a broker would refuse this folder and keep its last good one`,
        ),
      );
  }
  return ok(loaded.ok ? exitCodes.ok : exitCodes.error);
}

/** `templates.yaml:12:5: error: spec.ttl: message; fix`: a form that editors and CI systems make clickable. */
function lineOf(fault: PolicyFault, severity: "error" | "warning"): string {
  const path = fault.path === "" ? "" : `${fault.path} `;
  return `${fault.file}:${fault.line}:${fault.column}: ${severity}: ${path}${fault.message}; ${fault.fix}`;
}

async function printSchema(shell: Shell): Promise<Outcome> {
  const { policyJsonSchema } = await import("../../policy/json-schema.ts");
  shell.terminal.json(policyJsonSchema());
  return ok(exitCodes.ok);
}
