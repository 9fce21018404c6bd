/** What a goal gets: the stage, the size of the run, and a way to say how far it is. */
import type { BenchOptions, Goal } from "./options.ts";
import type { Rounds } from "./rounds.ts";
import type { Stage } from "./stage.ts";

export interface Context {
  readonly stage: Stage;
  readonly options: BenchOptions;
  /** Full or quick. */
  readonly size: (full: number, quick: number) => number;
  /** Says each one, and ends early where time is up. */
  readonly rounds: Rounds;
  readonly wants: (goal: Goal) => boolean;
  readonly say: (text: string) => void;
}
