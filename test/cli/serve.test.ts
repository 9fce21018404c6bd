/** `mayfly serve` as a process on the real engine: it starts, is found by the client commands, is backed up, and stops. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { policy } from "../http/world.ts";
import { startIssuer, type ServedIssuer } from "../support/issuer-server.ts";
import { cliFile, runBinary, runCli } from "./run-cli.ts";

let dir: string;
let issuer: ServedIssuer;
let children: ChildProcess[];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "mayfly-cli-"));
  issuer = await startIssuer();
  children = [];
  await mkdir(join(dir, "policy"));
  await writeFile(join(dir, "policy", "all.yaml"), policy.replaceAll("ISSUER", issuer.url));
});
afterEach(async () => {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  await issuer.close();
  await rm(dir, { recursive: true, force: true });
});

interface Serving {
  readonly child: ChildProcess;
  readonly env: Record<string, string>;
}

const serveArgs = () => [
  "serve",
  "--development",
  "--policy",
  join(dir, "policy"),
  "--data",
  join(dir, "data"),
  "--listen",
  "127.0.0.1:0",
  "--admin-listen",
  "127.0.0.1:0",
];

/** Waits for the log line of the start, which names the addresses. */
async function startServing(): Promise<Serving> {
  const child = spawn(process.execPath, [cliFile, ...serveArgs()], {
    env: { PATH: process.env["PATH"] ?? "", MAYFLY_ISSUER: "" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  children.push(child);
  let log = "";
  for await (const piece of child.stderr) {
    log += String(piece);
    const line = log.split("\n").find((text) => text.includes('"event":"started"'));
    if (line === undefined) continue;
    const { listen, admin } = JSON.parse(line) as { listen: string; admin: string };
    return { child, env: { MAYFLY_URL: listen, MAYFLY_ADMIN_URL: admin } };
  }
  throw new Error(`serve ended: ${log}`);
}

const as = (serving: Serving, subject: string, args: readonly string[]) => {
  const attestation = issuer.attest({ subject, audience: "https://broker.example", now: Date.now() as never });
  return runCli(args, { env: { ...serving.env, MAYFLY_ATTESTATION: attestation } });
};

const openArgs = ["task", "open", "--agent", "bot", "--template", "api-read", "--deadline", "10m"];

async function stopServing({ child }: Serving): Promise<void> {
  child.kill("SIGTERM");
  expect(await once(child, "exit")).toEqual([0, null]);
}

describe("cli: serve", () => {
  it("serves, refuses a second broker, is backed up while it works, and stops in order", async () => {
    const serving = await startServing();
    const opened = await as(serving, "planner", openArgs);
    expect(opened).toMatchObject({ code: 0 });
    const task = opened.stdout.trim();
    expect(await as(serving, "bot", ["token", "api-read", "--task", task])).toMatchObject({ code: 0 });

    const second = await runBinary(serveArgs());
    expect(second).toMatchObject({ code: 1, stdout: "" });
    expect(second.stderr).toMatch(/another broker is using[^]*Nothing was started/);

    const ledger = `sqlite:${join(dir, "data", "ledger.db")}`;
    const copy = join(dir, "copy.db");
    expect(await runBinary(["backup", copy, "--ledger", ledger])).toMatchObject({ code: 0, stdout: "" });
    expect((await stat(copy)).mode & 0o777).toBe(0o600);
    const again = await runCli(["backup", copy, "--ledger", ledger]);
    expect(again).toMatchObject({ code: 1 });
    expect(again.stderr).toMatch(/exists already[^]*there is no copy/);

    const doctor = await runBinary(["doctor", ...serveArgs().slice(1), "--json"]);
    expect(doctor.stdout).toContain("is held by a running broker");

    const killed = await as(serving, "desk", ["kill", "--scope", `task:${task}`, "--yes"]);
    expect(killed).toMatchObject({ code: 0 });
    expect(killed.stderr).toMatch(/ 1 {2}dead/);

    const stoppedAt = performance.now();
    await stopServing(serving);
    // The grace of five seconds is for kills under way, and there are none.
    expect(performance.now() - stoppedAt).toBeLessThan(4_000);
    const audit = await runCli(["doctor", ...serveArgs().slice(1), "--json"]);
    expect(audit.stdout).toContain("no broker holds it");
  });

  it("restores a backup: what was open in it is ended, and the replaced ledger is kept", async () => {
    const first = await startServing();
    const opened = await as(first, "planner", openArgs);
    const task = opened.stdout.trim();
    expect(await as(first, "bot", ["token", "api-read", "--task", task])).toMatchObject({ code: 0 });
    const ledger = join(dir, "data", "ledger.db");
    const copy = join(dir, "copy.db");
    expect(await runCli(["backup", copy, "--ledger", `sqlite:${ledger}`])).toMatchObject({ code: 0 });
    const refused = await runCli(["restore", copy, "--ledger", `sqlite:${ledger}`]);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toMatch(/another broker is using[^]*as they were/);
    await stopServing(first);

    const restored = await runBinary(["restore", copy, "--ledger", `sqlite:${ledger}`, "--json"]);
    expect(restored).toMatchObject({ code: 0, stderr: "" });
    const { replaced } = JSON.parse(restored.stdout) as { replaced: string };
    expect((await stat(replaced)).mode & 0o777).toBe(0o600);

    const second = await startServing();
    const shown = await as(second, "planner", ["task", "show", task, "--json"]);
    expect(shown.stdout).toMatch(/"state": "(ended|closed)"/);
    expect(await as(second, "bot", ["token", "api-read", "--task", task])).toMatchObject({ stdout: "" });
    await stopServing(second);
  });

  it.each([
    ["a ledger that is not there", "none.db", /there is no [^]*none\.db/],
    ["a file that is no ledger", "policy/all.yaml", /is not a Mayfly ledger/],
  ])("neither backs up nor restores %s", async (_name, file, says) => {
    const ran = await runCli(["backup", join(dir, "copy.db"), "--ledger", `sqlite:${join(dir, file)}`]);
    expect(ran).toMatchObject({ code: 1, stdout: "" });
    expect(ran.stderr).toMatch(says);
    const restored = await runCli(["restore", join(dir, file), "--ledger", `sqlite:${join(dir, "new.db")}`]);
    expect(restored).toMatchObject({ code: 1, stdout: "" });
    expect(restored.stderr).toMatch(says);
    expect(await readdir(dir)).not.toContain("new.db");
    expect(await readdir(dir)).not.toContain("copy.db");
  });

  it("starts nothing over a faulty policy", async () => {
    await writeFile(join(dir, "policy", "all.yaml"), "kind: [");
    const ran = await runBinary(serveArgs());
    expect(ran).toMatchObject({ code: 1, stdout: "" });
    expect(ran.stderr).toMatch(/all\.yaml:\d+:\d+ [^]*mayfly policy check[^]*Nothing was started/);
  });
});
