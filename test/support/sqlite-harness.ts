/** The node:sqlite engine as a harness of the ledger kit: a real file in a folder of its own. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteLedger, type OpenOptions, type SqliteLedger } from "../../src/engines/node-sqlite/open.ts";
import type { Clock } from "../../src/kernel/clock.ts";
import type { LedgerHarness, MakeHarness } from "../kit/ledger/harness.ts";
import { createManualClock } from "./manual-clock.ts";
import { silentLog } from "./silent.ts";

/** Small, because every test writes it. */
export const testBallastBytes = 64 * 1024;

export function sqliteOptions(file: string, clock: Clock, wish: Partial<OpenOptions> = {}): OpenOptions {
  const onFatal = (reason: string): void => {
    throw new Error(reason);
  };
  return { file, clock, log: silentLog, onFatal, ballastBytes: testBallastBytes, ...wish };
}

export async function openOrThrow(options: OpenOptions): Promise<SqliteLedger> {
  const opened = await openSqliteLedger(options);
  if (!opened.ok) throw new Error(`${opened.fault.message}; ${opened.fault.fix}`);
  return opened.value;
}

export const makeTemporaryFolder = (): string => mkdtempSync(join(tmpdir(), "mayfly-sqlite-"));

export const makeSqliteHarness: MakeHarness = async (options = {}): Promise<LedgerHarness> => {
  const clock = createManualClock(options.startAt);
  const folder = makeTemporaryFolder();
  const file = join(folder, "ledger.db");
  let ledger = await openOrThrow(sqliteOptions(file, clock));
  return {
    get ledger() {
      return ledger;
    },
    clock,
    async restart() {
      await ledger.close();
      ledger = await openOrThrow(sqliteOptions(file, clock));
    },
    async close() {
      await ledger.close();
      rmSync(folder, { recursive: true });
    },
  };
};
