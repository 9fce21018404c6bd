/** However a quickstart is stopped, and however often it is told to: no process and no file of it stays behind. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";

const program = fileURLToPath(new URL("../../scripts/quickstart.ts", import.meta.url));
const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

/** In a process group of its own, as a terminal starts it; its temporary files go to a folder of their own. */
async function startQuickstart() {
  const folder = await mkdtemp(join(tmpdir(), "mayfly-test-"));
  cleanUps.push(() => rm(folder, { recursive: true, force: true }));
  const child = spawn(process.execPath, [program], { env: { ...process.env, TMPDIR: folder }, detached: true });
  const signalGroup = (signal: NodeJS.Signals): boolean => {
    try {
      return child.pid !== undefined && process.kill(-child.pid, signal);
    } catch {
      return false; // no process of the group is left
    }
  };
  cleanUps.push(() => signalGroup("SIGKILL"));
  const exited = once(child, "exit");
  let told = "";
  /** The answer is all that it said so far. */
  const untilTold = async (text: string): Promise<string> => {
    for await (const chunk of child.stdout.setEncoding("utf8").iterator({ destroyOnReturn: false })) {
      told += String(chunk);
      if (told.includes(text)) return told;
    }
    throw new Error(`the quickstart ended without saying ${text}:\n${told}`);
  };
  return { folder, signalGroup, untilTold, exited };
}

describe("a quickstart that is stopped", () => {
  it.each<NodeJS.Signals>(["SIGINT", "SIGTERM", "SIGHUP"])(
    "by %s to its whole group, twice, leaves nothing",
    async (signal) => {
      const quickstart = await startQuickstart();
      const told = await quickstart.untilTold("Ctrl-C stops everything");
      expect(await readdir(quickstart.folder)).toHaveLength(1);
      quickstart.signalGroup(signal);
      // One round trip later it works on the first; two at once would arrive as one.
      await fetch(`${/export MAYFLY_URL=(\S+)/.exec(told)?.[1] ?? ""}/livez`).catch(() => undefined);
      quickstart.signalGroup(signal);
      expect(await quickstart.exited).toEqual([0, null]);
      expect(await readdir(quickstart.folder)).toEqual([]);
      expect(quickstart.signalGroup("SIGCONT"), "a process of the group is left").toBe(false);
    },
  );
});
