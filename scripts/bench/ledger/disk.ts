/** What the disk can do at all: one appended block and its fdatasync, as often as asked. */
import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";

const block = Buffer.alloc(4096, 1);

/** Milliseconds of each. */
export function timeSyncs(dir: string, count: number): readonly number[] {
  const file = join(dir, "sync-probe");
  const descriptor = openSync(file, "a");
  try {
    return Array.from({ length: count }, () => {
      const startedAt = performance.now();
      writeSync(descriptor, block);
      fdatasyncSync(descriptor);
      return performance.now() - startedAt;
    });
  } finally {
    closeSync(descriptor);
    rmSync(file);
  }
}
