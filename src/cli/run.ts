/** Turns a command's function into what commander calls: it keeps the exit code and prints the problem. */
import type { ExitCode } from "./exit-code.ts";
import { printProblem, type Outcome } from "./problem.ts";
import type { Shell } from "./shell.ts";

type Handler<Flags, Args extends string[]> = (shell: Shell, flags: Flags, ...args: Args) => Promise<Outcome>;
export type Run = <Flags, Args extends string[]>(
  handler: Handler<Flags, Args>,
) => (...given: unknown[]) => Promise<void>;

export interface RunState {
  exitCode: ExitCode;
}

export function createRun(shell: Shell, state: RunState): Run {
  return <Flags, Args extends string[]>(handler: Handler<Flags, Args>) =>
    async (...given: unknown[]) => {
      // Commander hands over the arguments, then the options, then the command.
      const args = given.slice(0, -2) as Args;
      const flags = given.at(-2) as Flags & { json?: boolean };
      const outcome = await handler(shell, flags, ...args);
      state.exitCode = outcome.ok ? outcome.value : outcome.fault.exitCode;
      if (!outcome.ok) printProblem(shell.terminal, { json: flags.json === true }, outcome.fault);
    };
}
