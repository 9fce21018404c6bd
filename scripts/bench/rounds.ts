/**
 * Rounds that end in time: a machine that is slower than ours gets fewer of them, at least one, and the report says so.
 */

export type Rounds = (what: string, full: number, quick: number) => Iterable<number>;

export interface Timed {
  readonly rounds: Rounds;
  /** What was cut short. */
  readonly notes: readonly string[];
}

/** `endsAt` is an instant of `performance.now()`. */
export function createRounds(options: { endsAt: number; quick: boolean; say: (text: string) => void }): Timed {
  const { endsAt, quick, say } = options;
  const notes: string[] = [];
  function* rounds(what: string, full: number, short: number): Iterable<number> {
    const count = quick ? short : full;
    for (let round = 0; round < count; round += 1) {
      if (round > 0 && performance.now() > endsAt) {
        notes.push(`${what}: ${round} of ${count} rounds, because the time was up.`);
        return;
      }
      say(`${what}: round ${round + 1} of ${count}`);
      yield round;
    }
  }
  return { rounds, notes };
}
