/**
 * From a delivered value's fingerprint to its lease: a pointer in the shard that the fingerprint hashes to. It is
 * believed only where the lease says the same, so one that was left behind by a crash leads nowhere.
 */
import { brand } from "../../../kernel/brand.ts";
import type { Fingerprint } from "../../../kernel/digest.ts";
import type { LeaseId } from "../../../kernel/ids.ts";
import type { EpochMillis } from "../../../kernel/time.ts";
import { print as printLua } from "../lua/print.ts";
import { defineScript, textOf } from "../script.ts";
import type { ShardCalls } from "../shard-calls.ts";

/** Beyond the native expiry: no lease is kept for so long, and what a crash left behind goes by itself. */
const keptBeyondMillis = 365 * 24 * 3_600_000;

/** point_print {fingerprint, leaseId, lastAt} -> nothing. Keys: prints:DIGIT. */
const pointScript = defineScript(
  "point_print",
  [printLua],
  String.raw`
writePrint(c.fingerprint, c.leaseId, c.lastAt)
return finish('ok')
`,
);

/** find_print {fingerprint} -> the lease that it points to, or nothing. Keys: prints:DIGIT. */
const findScript = defineScript(
  "find_print",
  [printLua],
  String.raw`return finish('ok', seq, { findPrint(c.fingerprint) })`,
);

export async function pointPrint(
  calls: ShardCalls,
  print: { readonly fingerprint: Fingerprint; readonly leaseId: LeaseId; readonly nativeExpiresAt: EpochMillis },
): Promise<void> {
  const { fingerprint, leaseId, nativeExpiresAt } = print;
  const lastAt = nativeExpiresAt + keptBeyondMillis;
  await calls.ask(calls.shards.ofText(fingerprint), pointScript, { fingerprint, leaseId, lastAt });
}

export async function leaseOfPrint(calls: ShardCalls, fingerprint: Fingerprint): Promise<LeaseId | undefined> {
  const { payload } = await calls.ask(calls.shards.ofText(fingerprint), findScript, { fingerprint });
  const [leaseId] = payload;
  return leaseId === undefined ? undefined : brand<LeaseId>(textOf(leaseId));
}
