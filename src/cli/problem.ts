/**
 * Why a command did not do its work, in three sentences: what happened, what is unchanged (or may not be), what to do
 * next. Never holds an attestation or a credential.
 */
import { err, type Result } from "../kernel/result.ts";
import { exitCodes, type ExitCode } from "./exit-code.ts";
import type { Terminal } from "./terminal.ts";

export interface Problem {
  readonly exitCode: ExitCode;
  readonly what: string;
  /** Null where nothing could have changed in the first place. */
  readonly unchanged: string | null;
  readonly next: string;
  /** The broker's error code, where it answered with one. */
  readonly code: string | null;
  /** Finds the detail in the broker's log and audit. */
  readonly requestId: string | null;
}

/** What a command answers: its exit code, or why there is none. */
export type Outcome = Result<ExitCode, Problem>;

type Words = Pick<Problem, "what" | "next"> & Partial<Problem>;

export const problem = (words: Words): Problem => ({
  exitCode: exitCodes.error,
  unchanged: null,
  code: null,
  requestId: null,
  ...words,
});

export const failed = (words: Words): Result<never, Problem> => err(problem(words));

/** The words or the flags are wrong: nothing was tried. */
export const misused = (what: string, next: string): Result<never, Problem> =>
  failed({ exitCode: exitCodes.usage, what, next });

export const missingFlag = (flag: string, example: string): Result<never, Problem> =>
  misused(`${flag} is missing`, `add it, as in ${example}; --help shows more`);

/** On stderr always, so that stdout holds data or nothing; as one JSON line where the caller reads JSON. */
export function printProblem(terminal: Terminal, asked: { json: boolean }, found: Problem): void {
  const { what, unchanged, next, code, requestId, exitCode } = found;
  if (asked.json) {
    terminal.say(
      JSON.stringify({ error: { what, unchanged, next, code, request_id: requestId, exit_code: exitCode } }),
    );
    return;
  }
  const { style } = terminal;
  terminal.say(`${style.bad("mayfly:")} ${what}`);
  if (unchanged !== null) terminal.say(`  ${style.dim("unchanged:")} ${unchanged}`);
  terminal.say(`  ${style.dim("next:")} ${next}`);
  if (requestId !== null) terminal.say(`  ${style.dim("request:")} ${requestId}`);
}
