/**
 * The ledger of a flow that is put back to an older copy of itself, as the operator's guide says: SQLite by `mayfly
 * backup` and `restore`, Redis by a snapshot of its server, which dies and comes back with it, and then `restore`.
 */
import { copyFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Ledger } from "../../../src/ports/ledger.ts";
import { runCli, type Ran } from "../../cli/run-cli.ts";
import { isOnSqlite } from "../ledger-kind.ts";
import { realClock } from "../real-clock.ts";
import { openAt } from "../redis-opened.ts";
import { startRedis } from "../redis-server.ts";
import { redisCli } from "../redis-topologies.ts";
import { makeTemporaryFolder, openOrThrow, sqliteOptions } from "../sqlite-harness.ts";
import { onSqlite, type FlowLedger } from "./ledger.ts";

export interface RestorableLedger extends FlowLedger {
  backUp(): Promise<void>;
  /** While no broker runs. */
  restore(): Promise<Ran>;
  /** As another node has it. */
  open(): Promise<Ledger>;
}

export const startRestorableLedger = (): Promise<RestorableLedger> => (isOnSqlite ? sqlite() : redis());

async function sqlite(): Promise<RestorableLedger> {
  const folder = makeTemporaryFolder();
  const [file, backup] = [join(folder, "ledger.db"), join(folder, "backup.db")];
  const ledger = onSqlite(file);
  return {
    ...ledger,
    async backUp() {
      const { code, stderr } = await runCli(["backup", backup, "--ledger", ledger.setting]);
      if (code !== 0) throw new Error(`no backup: ${stderr}`);
    },
    restore: () => runCli(["restore", backup, "--ledger", ledger.setting]),
    open: () => openOrThrow(sqliteOptions(file, realClock)),
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function redis(): Promise<RestorableLedger> {
  let server = await startRedis();
  const { port, folder } = server;
  const setting = `redis://127.0.0.1:${port}`;
  const [data, copy] = [join(folder, "dump.rdb"), join(folder, "copy.rdb")];
  return {
    setting,
    contents: async () => new Map(),
    async backUp() {
      if (redisCli(port, "save").trim() !== "OK") throw new Error("no snapshot");
      copyFileSync(data, copy);
    },
    async restore() {
      server.kill("SIGKILL");
      await server.exited;
      copyFileSync(copy, data);
      server = await startRedis([], server);
      return runCli(["restore", "--ledger", setting, "--yes"]);
    },
    open: () => openAt(setting),
    close: () => server.stop(),
  };
}
