/** Opening a ledger: what is refused, with words that say what to do, and that a refusal changes nothing. */
import { mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openSqliteLedger, type OpenOptions } from "../../../src/engines/node-sqlite/open.ts";
import { prepareDatabase } from "../../../src/engines/node-sqlite/prepare-database.ts";
import { newestVersion } from "../../../src/engines/sql/migrations.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { makeTemporaryFolder, openOrThrow, sqliteOptions } from "../../support/sqlite-harness.ts";

let folder: string;
const clock = createManualClock();
const options = (name: string): OpenOptions => sqliteOptions(join(folder, name), clock);

beforeEach(() => {
  folder = makeTemporaryFolder();
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Null for what is not a file. */
function contentOf(name: string): string | null {
  const file = join(folder, name);
  return statSync(file, { throwIfNoEntry: false })?.isFile() === true ? readFileSync(file, "base64") : null;
}

async function makeLedger(name: string): Promise<string> {
  const ledger = await openOrThrow(options(name));
  await ledger.close();
  return join(folder, name);
}

const refusals: readonly (readonly [
  name: string,
  reason: string,
  fix: RegExp,
  prepare: () => Promise<string> | string,
])[] = [
  ["a folder that does not exist", "no_parent", /mkdir -p/, () => "missing/ledger.db"],
  [
    "a directory",
    "is_directory",
    /name a file/,
    () => {
      mkdirSync(join(folder, "directory"));
      return "directory";
    },
  ],
  [
    "a file that is not a database",
    "not_a_ledger",
    /check the path/,
    () => {
      writeFileSync(join(folder, "notes.txt"), "shopping list\n".repeat(100));
      return "notes.txt";
    },
  ],
  [
    "another program's database",
    "not_a_ledger",
    /check the path/,
    () => {
      const db = new DatabaseSync(join(folder, "other.db"));
      db.exec("CREATE TABLE song (title TEXT)");
      db.close();
      return "other.db";
    },
  ],
  [
    "a ledger of a newer version",
    "newer_schema",
    /newer version/,
    async () => {
      const db = new DatabaseSync(await makeLedger("newer.db"));
      db.prepare("INSERT INTO schema_version VALUES (?)").run(newestVersion + 1);
      db.close();
      return "newer.db";
    },
  ],
  [
    "a damaged ledger",
    "corrupt",
    /restore a backup/,
    async () => {
      const file = await makeLedger("damaged.db");
      const content = readFileSync(file);
      content.fill(0x5a, 100, 4096);
      writeFileSync(file, content);
      return "damaged.db";
    },
  ],
];

describe("open: refuses", () => {
  it.each(refusals)("%s", async (_name, reason, fix, prepare) => {
    const name = await prepare();
    const before = contentOf(name);
    const opened = await openSqliteLedger(options(name));
    const message = expect.stringContaining(folder) as unknown;
    expect(opened).toMatchObject({ ok: false, fault: { reason, message, fix: expect.stringMatching(fix) as unknown } });
    expect(contentOf(name)).toBe(before);
  });
});

describe("open: one broker a ledger", () => {
  it("a second open is refused while the first works on, and accepted after it closed", async () => {
    const first = await openOrThrow(options("ledger.db"));
    expect(await openSqliteLedger(options("ledger.db"))).toMatchObject({ ok: false, fault: { reason: "locked" } });
    // The refusal must not have freed the lock of the first.
    expect(await openSqliteLedger(options("ledger.db"))).toMatchObject({ ok: false, fault: { reason: "locked" } });
    expect(await first.health()).toMatchObject({ suspended: null });
    await first.close();
    const second = await openOrThrow(options("ledger.db"));
    await second.close();
  });

  it("a link to the file is the same ledger", async () => {
    const first = await openOrThrow(options("ledger.db"));
    symlinkSync(join(folder, "ledger.db"), join(folder, "alias.db"));
    expect(await openSqliteLedger(options("alias.db"))).toMatchObject({ ok: false, fault: { reason: "locked" } });
    await first.close();
  });

  it("a refused open leaves no lock behind", async () => {
    writeFileSync(join(folder, "notes.txt"), "no database at all, only a text that is long enough");
    await openSqliteLedger(options("notes.txt"));
    expect(await openSqliteLedger(options("notes.txt"))).toMatchObject({ fault: { reason: "not_a_ledger" } });
  });
});

describe("open: accepts", () => {
  it("a new file, readable by its owner only, with its WAL", async () => {
    const ledger = await openOrThrow(options("ledger.db"));
    for (const suffix of ["", "-wal", "-ballast"])
      expect(statSync(join(folder, `ledger.db${suffix}`)).mode & 0o777).toBe(0o600);
    await ledger.close();
  });

  it("with what durable means set on the connection", async () => {
    const db = new DatabaseSync(await makeLedger("ledger.db"));
    prepareDatabase(db);
    const settings = ["journal_mode", "synchronous", "trusted_schema", "secure_delete"];
    const values = settings.map((name) => Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
    db.close();
    const [full, fast] = [2, 2];
    expect(values).toEqual(["wal", full, 0, fast]);
  });

  it("an empty file", async () => {
    writeFileSync(join(folder, "empty.db"), "");
    const ledger = await openOrThrow(options("empty.db"));
    expect(await ledger.health()).toMatchObject({ generation: 1, suspended: null });
    await ledger.close();
  });
});
