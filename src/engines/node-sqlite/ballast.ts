/**
 * Room kept for kills: a file beside the ledger that is given back when the disk is full. Its bytes are random, so
 * that no file system stores it as a hole.
 */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, statfsSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import type { Entropy } from "../../kernel/entropy.ts";

export interface Ballast {
  readonly bytes: number;
  /** Whether it stands, after making it if there is room for it and as much again. */
  ensure(): boolean;
  release(): void;
}

const chunkBytes = 1024 * 1024;

export function createBallast(options: { file: string; bytes: number; entropy: Entropy }): Ballast {
  const { file, bytes, entropy } = options;
  const partial = `${file}.partial`;

  function stands(): boolean {
    return statSync(file, { throwIfNoEntry: false })?.size === bytes;
  }

  /** Twice its size: with just enough room the next commits would fill the disk again at once. */
  function hasRoom(): boolean {
    const { bavail, bsize } = statfsSync(dirname(file));
    return bavail * bsize >= bytes * 2;
  }

  function write(): void {
    const descriptor = openSync(partial, "w", 0o600);
    try {
      for (let written = 0; written < bytes;)
        written += writeSync(descriptor, entropy.bytes(Math.min(chunkBytes, bytes - written)));
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(partial, file);
  }

  return {
    bytes,
    ensure() {
      try {
        if (stands()) return true;
        if (!hasRoom()) return false;
        write();
        return true;
      } catch {
        rmSync(partial, { force: true });
        return false;
      }
    },
    release() {
      rmSync(file, { force: true });
      rmSync(partial, { force: true });
    },
  };
}
