/** The kill at a terminal: only the scope's name, typed, does it. The shell is made of streams, the rest is real. */
import { PassThrough } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCommandLine } from "../../src/cli/program.ts";
import { createTerminal } from "../../src/cli/terminal.ts";
import { realClock } from "../support/real-clock.ts";
import { startCliWorld, type CliWorld } from "./world.ts";

let world: CliWorld;
beforeAll(async () => {
  world = await startCliWorld();
});
afterAll(() => world.close());

class TtyStream extends PassThrough {
  readonly isTTY = true;
}

async function atTerminal(args: readonly string[], typed: string, env: Readonly<Record<string, string>> = {}) {
  const [stdin, stdout, stderr] = [new TtyStream(), new TtyStream(), new TtyStream()];
  const all = { ...world.environment("desk"), ...env };
  const seen = { stdout: "", stderr: "" };
  stdout.on("data", (piece: Buffer) => (seen.stdout += piece.toString()));
  stderr.on("data", (piece: Buffer) => {
    seen.stderr += piece.toString();
    // A person types once the question stands there.
    if (piece.toString().includes("to kill it")) stdin.end(`${typed}\n`);
  });
  const terminal = createTerminal({ stdin, stdout, stderr, env: all });
  const stopSignal = () => new AbortController().signal;
  const code = await runCommandLine(args, { env: all, terminal, stdin, clock: realClock, stopSignal });
  return { code, ...seen };
}

const isOpen = async (id: string): Promise<boolean> =>
  (await world.as("planner", ["task", "show", id, "--json"])).stdout.includes('"state": "open"');

describe("cli: kill at a terminal", () => {
  it.each([
    ["something else", "yes"],
    ["nothing", ""],
    ["the scope of another task", "task:tsk_01arz3ndektsv4rrffq69"],
  ])("leaves it when %s is typed", async (_name, typed) => {
    const id = await world.openTask();
    const ran = await atTerminal(["kill", "--scope", `task:${id}`], typed);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain("nothing was killed");
    expect(await isOpen(id)).toBe(true);
  });

  it("does it when the scope is typed, and draws a bar", async () => {
    const id = await world.openTask();
    await world.as("bot", ["token", "api-read", "--task", id]);
    const ran = await atTerminal(["kill", "--scope", `task:${id}`], ` task:${id} `);
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.stderr).toMatch(/\[#{30}\] 1 of 1 dead, 0 left/);
    expect(ran.stderr).toContain("\u001b[32mnothing live is left");
    expect(await isOpen(id)).toBe(false);
  });

  it("asks nothing with --no-input", async () => {
    const id = await world.openTask();
    const ran = await atTerminal(["kill", "--scope", `task:${id}`, "--no-input"], "");
    expect(ran.code).toBe(0);
    expect(ran.stderr).toContain("dry run: nothing was changed");
    expect(await isOpen(id)).toBe(true);
  });

  it.each([
    ["NO_COLOR", { NO_COLOR: "1" }],
    ["a dumb terminal", { TERM: "dumb" }],
  ])("has no colours with %s", async (_name, env) => {
    const id = await world.openTask();
    const ran = await atTerminal(["kill", "--scope", `task:${id}`, "--no-input"], "", env);
    expect(ran.stderr).not.toContain("\u001b[3");
  });
});

describe("cli: a credential at a terminal", () => {
  it("is not shown unless that is said, and then not asked for either", async () => {
    const id = await world.openTask();
    const env = world.environment("bot");
    const hidden = await atTerminal(["token", "api-read", "--task", id], "", env);
    expect(hidden).toMatchObject({ code: 2, stdout: "" });
    expect(hidden.stderr).toContain("--show");
    const before = JSON.parse((await world.as("bot", ["task", "show", id, "--json"])).stdout) as { leases: unknown[] };
    expect(before.leases).toEqual([]);
    const shown = await atTerminal(["token", "api-read", "--task", id, "--show"], "", env);
    expect(shown).toMatchObject({ code: 0, stdout: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+\n$/) });
  });
});
