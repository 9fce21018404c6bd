/**
 * Notices when files of a folder change. The system's watch is a doorbell: it is quick, but it follows the folder that
 * was there and not its path, so it falls silent when that is moved, replaced or behind a link that is switched. So
 * the files are also looked at now and then, and losing the doorbell costs a moment, never a change.
 */
import { watch } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Cancel, Clock } from "../kernel/clock.ts";
import { millis } from "../kernel/time.ts";
import type { Log } from "../ports/log.ts";
import { listPolicyFiles } from "./policy-folder.ts";

/** Editors write in several steps; one reload sees them all. */
const settleMillis = millis(200);
const lookMillis = millis(15_000);

export function watchFolder({ dir, clock, log }: { dir: string; clock: Clock; log: Log }, tell: () => void): Cancel {
  let isOver = false;
  let cancelTell: Cancel = () => {};
  let cancelLook: Cancel = () => {};
  let seen: string | undefined;
  const look = async (): Promise<void> => {
    const now = await signatureOf(dir);
    if (isOver) return;
    if (seen !== undefined && now !== seen) tell();
    seen = now;
    cancelLook = clock.after(lookMillis, () => void look());
  };
  void look();
  const watcher = watch(dir, { recursive: true }, () => {
    cancelTell();
    cancelTell = clock.after(settleMillis, tell);
  });
  watcher.on("error", () => log.error("policy_watch_failed", { dir }));
  return () => {
    isOver = true;
    cancelTell();
    cancelLook();
    watcher.close();
  };
}

/** Differs when a file came, went, was written or replaced. */
async function signatureOf(dir: string): Promise<string> {
  try {
    const files = await listPolicyFiles(dir);
    const stats = await Promise.all(files.map((file) => stat(join(dir, file))));
    return JSON.stringify(
      files.map((file, index) => [file, stats[index]?.ino, stats[index]?.mtimeMs, stats[index]?.size]),
    );
  } catch {
    return "unreadable";
  }
}
