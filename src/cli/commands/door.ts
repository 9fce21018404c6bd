/** `mayfly door`: what a kill left closed, and opening it again. */
import type { Command } from "commander";
import { change } from "../change.ts";
import { textOf } from "../fields.ts";
import { withAdmin, withExamples, type ClientFlags } from "../flags.ts";
import { showList, type ListView } from "../list.ts";
import type { Outcome } from "../problem.ts";
import type { Run } from "../run.ts";
import type { Shell } from "../shell.ts";
import { doorScope } from "../values.ts";

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

export function addDoorCommands(program: Command, run: Run): void {
  const door = program.command("door").description("the doors that kills left closed");
  const list = door.command("ls").description("every closed door");
  withExamples(withAdmin(list), "mayfly door ls").action(
    run((shell: Shell, flags: ClientFlags) => showList(shell, flags, doors)),
  );
  const open = door.command("open").description("let it issue again; what was killed stays dead");
  open.argument(
    "<scope>",
    "as `mayfly door ls` shows it: agent:NAME, template:NAME, provider:NAME, issuer:NAME or all",
    doorScope,
  );
  withExamples(withAdmin(open), "mayfly door open agent:invoice-bot").action(run(openDoor));
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
