/** The end of `mayfly kill`: what is dead and by whose word, what is not, and whether a door stays closed. */
import { ok } from "../kernel/result.ts";
import { readsOnly, type Api } from "./api.ts";
import { blastRadiusJson, type BlastRadius } from "./blast-radius.ts";
import { exitCodes } from "./exit-code.ts";
import { listOf, textOf, type Fields } from "./fields.ts";
import type { KillTally } from "./kill-tally.ts";
import type { Watched } from "./kill-watch.ts";
import { leaseLines, sayCounts, sayCouldLose, type VerdictCounts } from "./lease-report.ts";
import type { Outcome } from "./problem.ts";
import type { Shell } from "./shell.ts";

interface KillResult {
  readonly flags: { readonly scope: string; readonly json?: boolean };
  /** What the broker answered to it. */
  readonly order: Fields;
  readonly radius: BlastRadius;
  readonly watched: Watched;
}

export async function reportKill(shell: Shell, api: Api, result: KillResult): Promise<Outcome> {
  const { flags, radius, watched } = result;
  const { scope } = flags;
  const counts = watched.tally === null ? null : await countAll(watched.tally);
  const stuck = await stuckOf(api, watched);
  const code =
    watched.ended === "stopped"
      ? exitCodes.interrupted
      : watched.left.leases === 0
        ? exitCodes.ok
        : exitCodes.providerDown;
  if (flags.json === true) {
    shell.terminal.json({
      scope,
      dry_run: false,
      blast_radius: blastRadiusJson(radius),
      watched_seconds: watched.elapsedMillis / 1000,
      ended: watched.ended,
      left: blastRadiusJson(watched.left),
      verdicts: counts,
      stuck,
      could_lose_seconds: result.order["could_lose_seconds"],
      door: scope.startsWith("task:") ? null : scope,
    });
    return ok(code);
  }
  sayReport(shell, result, counts, stuck);
  return ok(code);
}

function sayReport(shell: Shell, result: KillResult, counts: VerdictCounts | null, stuck: readonly Fields[]): void {
  const { terminal } = shell;
  const { scope } = result.flags;
  const { watched } = result;
  const { style } = terminal;
  const seconds = (watched.elapsedMillis / 1000).toFixed(1);
  if (watched.left.leases === 0) terminal.say(style.good(`nothing live is left of ${scope}, seen after ${seconds} s`));
  else
    terminal.say(
      style.bad(
        `${watched.left.leases} credentials of ${scope} are not dead yet after ${seconds} s; the broker goes on`,
      ),
    );
  if (watched.left.leases > 0) terminal.say("  `mayfly targets ls` and `mayfly stuck ls` tell what holds them up");
  if (counts === null) terminal.say("  by whose word they died stands in the audit, which was not read to its end");
  else sayCounts(terminal, counts);
  sayCouldLose(terminal, result.order);
  if (stuck.length > 0) for (const line of leaseLines(stuck)) terminal.data(line);
  if (!scope.startsWith("task:"))
    terminal.say(`the door ${scope} stays closed; \`mayfly door open ${scope}\` opens it`);
}

/** A large kill's audit is longer than what the watching read; past this many pages a count would take too long. */
const maxCatchUps = 20;

/** Null where the end of the audit was not reached: half a count is none. */
async function countAll(tally: KillTally): Promise<VerdictCounts | null> {
  for (let round = 0; !tally.isComplete(); round += 1) {
    if (round === maxCatchUps || !(await tally.follow()).ok) return null;
  }
  const counts: Record<string, number> = {};
  for (const verdict of tally.verdicts().values()) counts[verdict] = (counts[verdict] ?? 0) + 1;
  return counts;
}

/** One page: who has more stuck credentials reads `mayfly stuck ls`. Those of other kills are left out. */
async function stuckOf(api: Api, watched: Watched): Promise<readonly Fields[]> {
  const { tally } = watched;
  if (tally === null || watched.left.leases === 0) return [];
  const answer = await api({ method: "GET", path: "/admin/stuck", effect: readsOnly });
  return answer.ok
    ? listOf(answer.value, "leases").filter((lease) => tally.verdicts().has(textOf(lease, "lease_id")))
    : [];
}
