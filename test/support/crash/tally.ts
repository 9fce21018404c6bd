/** The numbers of the crash runs, printed when a file's runs are over. */
import type { Orphan } from "./judge.ts";

export interface Tally {
  add(run: { faults: number; orphans: readonly Orphan[]; quietMillis: number }): void;
  print(title: string, where: string): void;
}

export function createTally(): Tally {
  const quiet: number[] = [];
  const orphans: Orphan[] = [];
  let faults = 0;
  return {
    add(run) {
      quiet.push(run.quietMillis);
      orphans.push(...run.orphans);
      faults += run.faults;
    },
    print(title, where) {
      const sorted = quiet.toSorted((left, right) => left - right);
      const median = Math.round(sorted[Math.floor(sorted.length / 2)] ?? 0);
      const longest = Math.max(0, ...orphans.map(({ livesMillis }) => livesMillis / 1000));
      const slack = Math.max(0, ...orphans.map(({ slackMillis }) => slackMillis / 1000));
      console.log(
        [
          `crash, ${title}: ${quiet.length} runs at ${where}, ${faults} leaks, ${orphans.length} possible orphans`,
          `(each named by its lease; they end by themselves within ${longest.toFixed(0)} s,`,
          `at most ${slack.toFixed(0)} s before their lease says),`,
          `restart to all dead or settled: median ${median} ms`,
        ].join(" "),
      );
    },
  };
}
