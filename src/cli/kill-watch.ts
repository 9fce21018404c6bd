/**
 * Watches a kill until nothing live is left. Only watching: the kill is durable already and goes on without us. A bar
 * on a terminal, a line at each change otherwise.
 */
import { ok, type Result } from "../kernel/result.ts";
import type { BlastRadius } from "./blast-radius.ts";
import type { KillTally } from "./kill-tally.ts";
import type { Problem } from "./problem.ts";
import { pause, type Shell } from "./shell.ts";

export interface Watched {
  readonly left: BlastRadius;
  readonly ended: "dead" | "timeout" | "stopped";
  readonly elapsedMillis: number;
  /** Null where the audit could not be read: then nothing is said of verdicts. */
  readonly tally: KillTally | null;
}

export interface WatchOptions {
  readonly hit: number;
  readonly timeoutMillis: number;
  readonly left: () => Promise<Result<BlastRadius, Problem>>;
  readonly tally: KillTally | null;
  readonly quiet: boolean;
}

/** Fast enough to look live, slow enough to cost the broker nothing. */
const paceMillis = 250;
const barWidth = 30;

export async function watchKill(shell: Shell, options: WatchOptions): Promise<Result<Watched, Problem>> {
  const { clock } = shell;
  const signal = shell.stopSignal();
  const startedAt = clock.monotonicMillis();
  const elapsed = (): number => Math.round(clock.monotonicMillis() - startedAt);
  const draw = createProgress(shell, options);
  let { tally } = options;
  for (;;) {
    const left = await options.left();
    if (!left.ok) return left;
    if (tally !== null && !(await tally.follow()).ok) tally = null;
    const elapsedMillis = elapsed();
    draw(left.value.leases, elapsedMillis);
    const seen = { left: left.value, elapsedMillis, tally };
    if (left.value.leases === 0) return ok({ ...seen, ended: "dead" });
    const remainingMillis = options.timeoutMillis - elapsedMillis;
    if (remainingMillis <= 0) return ok({ ...seen, ended: "timeout" });
    const waited = await pause(shell, Math.min(paceMillis, remainingMillis), signal);
    if (!waited) return ok({ ...seen, ended: "stopped" });
  }
}

function createProgress(shell: Shell, options: WatchOptions): (left: number, elapsedMillis: number) => void {
  const { terminal } = shell;
  let last = -1;
  return (left, elapsedMillis) => {
    const total = Math.max(options.hit, left);
    const dead = total - left;
    const words = `${dead} of ${total} dead, ${left} left, ${(elapsedMillis / 1000).toFixed(1)} s`;
    if (options.quiet) return;
    if (terminal.isStderrTty) {
      const filled = total === 0 ? barWidth : Math.floor((dead / total) * barWidth);
      terminal.redraw(`[${"#".repeat(filled)}${".".repeat(barWidth - filled)}] ${words}`);
    } else if (left !== last) terminal.say(words);
    last = left;
  };
}
