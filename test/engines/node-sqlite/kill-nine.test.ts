/** What was answered survives SIGKILL, and the lock does not. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, describe, expect, it } from "vitest";
import { parseLeaseId } from "../../../src/kernel/ids.ts";
import { openSqliteLedger } from "../../../src/engines/node-sqlite/open.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { makeTemporaryFolder, openOrThrow, sqliteOptions } from "../../support/sqlite-harness.ts";
import { present } from "../../kit/ledger/bench.ts";

const folder = makeTemporaryFolder();
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const answersBeforeKill = 300;

describe("SIGKILL", () => {
  it("loses nothing that was answered, and frees the lock", async () => {
    const file = join(folder, "ledger.db");
    const child = spawn(process.execPath, [join(import.meta.dirname, "issue-for-ever.ts"), file], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const gone = once(child, "exit");
    const told: string[] = [];
    let second: Awaited<ReturnType<typeof openSqliteLedger>> | undefined;
    for await (const line of createInterface({ input: child.stdout })) {
      second ??= await openSqliteLedger(sqliteOptions(file, createManualClock()));
      told.push(line);
      if (told.length === answersBeforeKill) child.kill("SIGKILL");
    }
    await gone;
    expect(second).toMatchObject({ ok: false, fault: { reason: "locked" } });
    expect(told.length).toBeGreaterThanOrEqual(answersBeforeKill);
    const ledger = await openOrThrow(sqliteOptions(file, createManualClock()));
    const states = await Promise.all(
      told.map(async (id) => (await ledger.readLease(present(parseLeaseId(id))))?.lease.state.kind),
    );
    expect(new Set(states)).toEqual(new Set(["active"]));
    const { counts } = await ledger.health();
    expect(counts.liveLeases).toBeGreaterThanOrEqual(told.length);
    await ledger.close();
  });
});
