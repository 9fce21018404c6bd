/**
 * Notices when files of a folder change, and files that they name. The system's watch is a doorbell: it is quick, but it follows the folder that
 * was there and not its path, so it falls silent when that is moved, replaced or behind a link that is switched. So
 * the files are also looked at now and then, and losing the doorbell costs a moment, never a change.
 */
import { watch } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Cancel, Clock } from "../kernel/clock.ts";
import { millis } from "../kernel/time.ts";
import type { Log } from "../ports/log.ts";

/** Editors write in several steps; one reload sees them all. */
const settleMillis = millis(200);
const lookMillis = millis(15_000);

export interface Watched {
  readonly dir: string;
  /** The files of the folder that count, relative to it. */
  readonly listFiles: () => Promise<readonly string[]>;
  /** Looked at too, wherever they lie: the secret files that the folder's text names, which may change with it. */
  readonly moreFiles: () => readonly string[];
  readonly clock: Clock;
  readonly log: Log;
}

export function watchFolder({ dir, listFiles, moreFiles, clock, log }: Watched, tell: () => void): Cancel {
  let isOver = false;
  let cancelTell: Cancel = () => {};
  let cancelLook: Cancel = () => {};
  let seen: string | undefined;
  const look = async (): Promise<void> => {
    const now = `${await signatureOfFolder(dir, listFiles)} ${await signatureOf(moreFiles())}`;
    if (isOver) return;
    // The first time too: what changed between the load and this look would never show.
    if (now !== seen) tell();
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

async function signatureOfFolder(dir: string, listFiles: Watched["listFiles"]): Promise<string> {
  try {
    return await signatureOf((await listFiles()).map((file) => join(dir, file)));
  } catch {
    return "unreadable";
  }
}

/** Differs when a file came, went, was written or replaced. */
const signatureOf = async (files: readonly string[]): Promise<string> =>
  JSON.stringify(
    await Promise.all(
      files.map(async (file) => {
        const found = await stat(file).catch(() => undefined);
        return [file, found?.ino, found?.mtimeMs, found?.size];
      }),
    ),
  );
