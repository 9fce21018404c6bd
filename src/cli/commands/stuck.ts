/** `mayfly stuck`: credentials whose provider refuses the kill, and trying them again once a person has mended it. */
import type { Command } from "commander";
import { ok } from "../../kernel/result.ts";
import { exitCodes } from "../exit-code.ts";
import { withAdmin, withExamples, type ClientFlags } from "../flags.ts";
import { leaseHeading, leaseRow } from "../lease-report.ts";
import { showList, type ListView } from "../list.ts";
import { misused, type Outcome } from "../problem.ts";
import { retryStuck, type RetryScope } from "../retry.ts";
import type { Run } from "../run.ts";
import { openSession } from "../session.ts";
import type { Shell } from "../shell.ts";
import { leaseId, targetText } from "../values.ts";

const stuck: ListView = {
  path: "/admin/stuck",
  member: "leases",
  heading: leaseHeading,
  row: leaseRow,
  empty: "nothing is stuck",
};

interface RetryFlags extends ClientFlags {
  readonly target?: string;
  readonly all?: boolean;
}

export function addStuckCommands(program: Command, run: Run): void {
  const group = program
    .command("stuck")
    .description("credentials whose provider refuses to revoke them: they need a person");
  const list = group.command("ls").description("each with the reason and the fix");
  withExamples(withAdmin(list), "mayfly stuck ls", "mayfly stuck ls --json").action(
    run((shell: Shell, flags: ClientFlags) => showList(shell, flags, stuck)),
  );
  const retry = group
    .command("retry")
    .description("try them again at once, after what `stuck ls` names was mended; they are tried every 15m anyway");
  retry.argument("[lease-id]", "this one", leaseId);
  retry.option("--target <target>", "all of one target, as `mayfly targets ls` shows it", targetText);
  retry.option("--all", "all that are stuck");
  withExamples(
    withAdmin(retry),
    "mayfly stuck retry lea_01arz3ndektsv4rrffq69",
    "mayfly stuck retry --target ledger-oauth",
    "mayfly stuck retry --all",
  ).action(run(runRetry));
}

async function runRetry(shell: Shell, flags: RetryFlags, id?: string): Promise<Outcome> {
  const scopes: readonly RetryScope[] = [
    ...(id === undefined ? [] : [{ kind: "lease", id } as const]),
    ...(flags.target === undefined ? [] : [{ kind: "target", name: flags.target } as const]),
    ...(flags.all === true ? [{ kind: "all" } as const] : []),
  ];
  const [scope, ...more] = scopes;
  if (scope === undefined || more.length > 0)
    return misused("say which: a lease id, --target or --all, and only one of them", "add one, as in --all");
  const api = await openSession(shell, flags, "admin");
  if (!api.ok) return api;
  const retried = await retryStuck(api.value, scope);
  if (!retried.ok) return retried;
  if (flags.json === true) shell.terminal.json({ retried: retried.value });
  else shell.terminal.say(sayRetried(retried.value));
  return ok(exitCodes.ok);
}

const sayRetried = (count: number): string =>
  count === 0
    ? "nothing there waits for another attempt"
    : `${count} credential${count === 1 ? " is" : "s are"} tried again now; \`mayfly stuck ls\` shows what is refused anew`;
