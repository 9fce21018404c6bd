/** `mayfly door`, `target` and `stuck`: what an operator looks at and turns after a kill or during an outage. */
import type { Command } from "commander";
import { change } from "../change.ts";
import { numberOf, optionalText, textOf, type Fields } from "../fields.ts";
import { withAdmin, withExamples, type ClientFlags } from "../flags.ts";
import { leaseHeading, leaseRow } from "../lease-report.ts";
import { showList, type ListView } from "../list.ts";
import type { Outcome } from "../problem.ts";
import type { Run } from "../run.ts";
import type { Shell } from "../shell.ts";
import { doorScope, targetText } from "../values.ts";

const doors: ListView = {
  path: "/admin/doors",
  member: "doors",
  heading: ["SCOPE", "CLOSED AT", "KILL", "REASON"],
  row: (door) => [
    textOf(door, "scope"),
    textOf(door, "closed_at"),
    door["expanding"] === true ? "spreading" : "spread",
    textOf(door, "reason"),
  ],
  empty: "every door is open",
};

const targets: ListView = {
  path: "/admin/targets",
  member: "targets",
  heading: ["TARGET", "STATE", "DUE", "OLDEST DUE", "DETAIL"],
  row: (target) => [
    textOf(target, "target"),
    stateOf(target),
    String(numberOf(target, "due")),
    optionalText(target, "oldest_due_at") ?? "-",
    [textOf(target, "breaker_reason"), optionalText(target, "breaker_until")].filter(Boolean).join(", next try "),
  ],
  empty: "no target has a live credential",
};

function stateOf(target: Fields): string {
  if (target["paused"] === true) return "paused";
  return textOf(target, "breaker") === "open" ? "failing" : "ok";
}

const stuck: ListView = {
  path: "/admin/stuck",
  member: "leases",
  heading: leaseHeading,
  row: leaseRow,
  empty: "nothing is stuck",
};

export function addOperateCommands(program: Command, run: Run): void {
  const door = program.command("door").description("the doors that kills left closed");
  const doorList = door.command("ls").description("every closed door");
  withExamples(withAdmin(doorList), "mayfly door ls").action(
    run((shell: Shell, flags: ClientFlags) => showList(shell, flags, doors)),
  );
  const doorOpen = door.command("open").description("let it issue again; what was killed stays dead");
  doorOpen.argument(
    "<scope>",
    "as `mayfly door ls` shows it: agent:NAME, template:NAME, provider:NAME, issuer:NAME or all",
    doorScope,
  );
  withExamples(withAdmin(doorOpen), "mayfly door open agent:invoice-bot").action(run(openDoor));

  const target = program.command("targets").description("the systems where credentials are revoked");
  const targetList = target.command("ls").description("each with its queue and whether it answers");
  withExamples(withAdmin(targetList), "mayfly targets ls").action(
    run((shell: Shell, flags: ClientFlags) => showList(shell, flags, targets)),
  );
  addTargetSwitch(target, run, {
    name: "pause",
    description:
      "hold back its kills and its mints, during a maintenance of that system; credentials live on meanwhile",
  });
  addTargetSwitch(target, run, { name: "resume", description: "let it work again, and try what is due at once" });

  const stuckGroup = program
    .command("stuck")
    .description("credentials whose provider refuses to revoke them: they need a person");
  const stuckList = stuckGroup.command("ls").description("each with the reason and the fix");
  withExamples(withAdmin(stuckList), "mayfly stuck ls", "mayfly stuck ls --json").action(
    run((shell: Shell, flags: ClientFlags) => showList(shell, flags, stuck)),
  );
}

interface TargetSwitch {
  readonly name: "pause" | "resume";
  readonly description: string;
}

function addTargetSwitch(parent: Command, run: Run, { name, description }: TargetSwitch): void {
  const command = parent.command(name).description(description);
  command.argument("<target>", "as `mayfly targets ls` shows it", targetText);
  withExamples(withAdmin(command), `mayfly targets ${name} ledger-db`);
  command.action(
    run((shell: Shell, flags: ClientFlags, target: string) => switchTarget(shell, flags, { name, target })),
  );
}

async function openDoor(shell: Shell, flags: ClientFlags, scope: string): Promise<Outcome> {
  return change(shell, flags, {
    request: {
      method: "DELETE",
      path: "/admin/doors",
      query: { scope },
      effect: { unchanged: "the door is as it was", maybe: "the door may be open; `mayfly door ls` tells" },
    },
    done: `${scope} is open; new credentials may be issued`,
  });
}

async function switchTarget(
  shell: Shell,
  flags: ClientFlags,
  wish: { name: "pause" | "resume"; target: string },
): Promise<Outcome> {
  const { name, target } = wish;
  return change(shell, flags, {
    request: {
      method: "POST",
      path: `/admin/targets/${name}`,
      json: { target },
      effect: { unchanged: "the target is as it was", maybe: "it may have changed; `mayfly targets ls` tells" },
    },
    done:
      name === "pause" ? `${target} is paused: nothing is revoked there until it is resumed` : `${target} works again`,
  });
}
