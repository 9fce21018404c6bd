/** The story of the quickstart, played to a broker in the Workers runtime. */
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const program = join(import.meta.dirname, "../../scripts/quickstart.ts");

interface Document {
  readonly timeline: readonly { readonly step: string; readonly observed: boolean; readonly detail: string }[];
}

it("is observed to its end, and leaves no file", { timeout: 90_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "mayfly-test-"));
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [program, "--workers", "--exit", "--json"], {
      env: { ...process.env, TMPDIR: folder },
      // It ends with all that it started.
      timeout: 75_000,
    });
    const { timeline } = JSON.parse(stdout) as Document;
    expect(timeline.filter(({ observed }) => !observed)).toEqual([]);
    const details = timeline.map(({ detail }) => detail);
    expect(details).toContain("ledger-read: dead-verified, ledger-report: dead-unverified");
    expect(readdirSync(folder)).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it("takes no other ledger", async () => {
  const asked = promisify(execFile)(process.execPath, [program, "--workers", "--ledger", "redis://127.0.0.1:1"]);
  await expect(asked).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining("no --ledger") });
});
