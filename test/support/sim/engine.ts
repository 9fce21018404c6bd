/** The storage of one run; here a real SQLite file, reopened after a crash from exactly what the process had written. */
import { copyFileSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteLedger } from "../../../src/engines/node-sqlite/open.ts";
import type { Clock } from "../../../src/kernel/clock.ts";
import type { Ledger } from "../../../src/ports/ledger.ts";
import { createSeededEntropy } from "../seeded-entropy.ts";
import { silentLog } from "../silent.ts";
import type { SimTime } from "./time.ts";

export interface Storage {
  /** What it does beside its verbs counts as activity, or time would not wait for it. */
  open(clock: Clock, activity: SimTime["activity"]): Promise<Ledger>;
  /** The process dies at this instant: what it wrote so far is what the next one opens. */
  crash(): void;
  /** Every byte at rest. */
  bytes(): Promise<readonly Buffer[]>;
  dispose(): Promise<void>;
}

/** Memory where the system has it: a commit is flushed to the file as ever, and no disk has to follow. */
const parent = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
/** The room kept for a full disk, which no run meets. */
const ballastBytes = 4096;

export function createSqliteStorage(): Storage {
  const folder = mkdtempSync(join(parent, "mayfly-sim-"));
  let file = join(folder, "ledger-0.db");
  let images = 0;

  return {
    async open(clock) {
      const entropy = createSeededEntropy(1);
      const opened = await openSqliteLedger({ file, clock, log: silentLog, onFatal, entropy, ballastBytes });
      if (!opened.ok) throw new Error(opened.fault.message);
      return opened.value;
    },
    crash() {
      images += 1;
      const image = join(folder, `ledger-${images}.db`);
      for (const suffix of ["", "-wal"]) if (existsSync(file + suffix)) copyFileSync(file + suffix, image + suffix);
      file = image;
    },
    bytes: async () => readdirSync(folder).map((name) => readFileSync(join(folder, name))),
    dispose: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

function onFatal(reason: string): void {
  throw new Error(`the engine gave up: ${reason}`);
}
