/** `mayfly clock accept`: an operator vouches for the wall clock after a step, and issuing resumes. */
import type { Command } from "commander";
import { change } from "../change.ts";
import { withAdmin, withExamples, type ClientFlags } from "../flags.ts";
import type { Run } from "../run.ts";
import type { Shell } from "../shell.ts";

export function addClockCommands(program: Command, run: Run): void {
  const clock = program.command("clock").description("the host's clock, after it jumped and issuing stopped");
  const accept = clock.command("accept").description("vouch for the clock as it is now; issuing resumes");
  withExamples(withAdmin(accept), "mayfly clock accept").action(
    run((shell: Shell, flags: ClientFlags) =>
      change(shell, flags, {
        request: {
          method: "POST",
          path: "/admin/clock/accept",
          effect: { unchanged: "issuing is as it was", maybe: "it may be accepted; `/readyz` tells" },
        },
        done: "the clock is taken as right; issuing resumes",
      }),
    ),
  );
}
