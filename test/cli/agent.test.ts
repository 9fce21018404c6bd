/** The command line of an orchestrator and of an agent, against a broker on loopback. */
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startCliWorld, type CliWorld } from "./world.ts";

let world: CliWorld;
let dir: string;
beforeAll(async () => {
  world = await startCliWorld();
  dir = await mkdtemp(join(tmpdir(), "mayfly-cli-"));
});
afterAll(async () => {
  await world.close();
  await rm(dir, { recursive: true, force: true });
});

const parse = (text: string): Record<string, unknown> => JSON.parse(text) as Record<string, unknown>;
const jwt = /^[\w-]+\.[\w-]+\.[\w-]+\n$/;

async function isActive(token: string): Promise<boolean> {
  const answer = await fetch(`${world.publicUrl}/introspect`, {
    method: "POST",
    headers: { authorization: `Bearer ${world.attest("api")}` },
    body: new URLSearchParams({ token: token.trim() }),
  });
  return ((await answer.json()) as { active: boolean }).active;
}

describe("cli: a task from opening to its end", () => {
  it("opens, exchanges, shows, beats and ends; the credential is dead after it", async () => {
    const open = ["task", "open", "--agent", "bot", "--template", "api-read", "--param", "tenant=apac"];
    const opened = await world.startAs("planner", [
      ...open,
      "--deadline",
      "10m",
      "--heartbeat",
      "5m",
      "--purpose",
      "a test",
    ]);
    expect(opened).toMatchObject({ code: 0, stdout: expect.stringMatching(/^tsk_\w{21}\n$/) });
    expect(opened.stderr).toContain("open until");
    const id = opened.stdout.trim();

    const token = await world.startAs("bot", ["token", "api-read", "--task", id, "--ttl", "2m"]);
    expect(token).toMatchObject({ code: 0, stdout: expect.stringMatching(jwt) });
    expect(token.stderr).toMatch(/^lea_\w{21} of tsk_\w{21}, good for 1[12]\d s \(bound: /);
    expect(token.stderr).not.toContain(token.stdout.trim());
    expect(await isActive(token.stdout)).toBe(true);

    const beat = await world.startAs("bot", ["task", "heartbeat", id]);
    expect(beat).toMatchObject({ code: 0, stderr: "" });
    expect(beat.stdout).toMatch(/state +open\n/);

    const shown = await world.startAs("planner", ["task", "show", id]);
    expect(shown.code).toBe(0);
    expect(shown.stdout).toMatch(/purpose +a test\n/);
    expect(shown.stdout).toMatch(/lea_\w+ +api-read +own +live /);

    const ended = await world.startAs("planner", ["task", "end", id, "--reason", "done", "--wait", "20s"]);
    expect(ended).toMatchObject({ code: 0, stdout: "" });
    expect(ended.stderr).toMatch(/ended: completed[^]* 1 {2}dead/);
    expect(await isActive(token.stdout)).toBe(false);

    const late = await world.startAs("bot", ["token", "api-read", "--task", id]);
    expect(late).toMatchObject({ code: 5, stdout: "" });
    expect(late.stderr).toMatch(
      /task_ended[^]*unchanged: no credential was delivered[^]*next: open a new task[^]*request: req_/,
    );
  });

  it("gives the same as JSON, one document on stdout", async () => {
    const args = ["task", "open", "--agent", "bot", "--template", "api-read", "--deadline", "600", "--json"];
    const opened = await world.as("planner", args);
    expect(opened).toMatchObject({ code: 0, stderr: "" });
    const id = String(parse(opened.stdout)["task_id"]);
    const token = await world.as("bot", ["token", "api-read", "--task", id, "--param", "tenant=apac", "--json"]);
    expect(parse(token.stdout)).toMatchObject({
      task_id: id,
      access_token: expect.any(String),
      revocation: "immediate",
    });
    const shown = await world.as("bot", ["task", "show", id, "--json"]);
    expect(parse(shown.stdout)).toMatchObject({ task_id: id, state: "open", leases: [{ verdict: "live" }] });
    const ended = await world.as("bot", ["task", "end", id, "--outcome", "failed", "--json", "--wait", "20s"]);
    expect(ended.code).toBe(0);
    expect(parse(ended.stdout)).toMatchObject({ outcome: "failed", summary: { live: 0 } });
  });

  it("tells by its exit code that something may still live when it did not wait for it", async () => {
    const id = await world.openTask();
    const ended = await world.as("planner", ["task", "end", id, "--wait", "0"]);
    expect(ended.code).toBe(0);
    expect(ended.stderr).toContain("no credentials");
  });
});

describe("cli: where a credential goes", () => {
  it("writes it to a new file of its owner, and nowhere else", async () => {
    const file = join(dir, "token");
    const ran = await world.as("bot", ["token", "api-read", "--output", file]);
    expect(ran).toMatchObject({ code: 0, stdout: "" });
    const text = await readFile(file, "utf8");
    expect(text).toMatch(jwt);
    expect(ran.stderr).not.toContain(text.trim());
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it("asks for none where the file exists already", async () => {
    const file = join(dir, "occupied");
    await writeFile(file, "precious");
    const id = await world.openTask();
    const ran = await world.as("bot", ["token", "api-read", "--task", id, "--output", file]);
    expect(ran).toMatchObject({ code: 1, stdout: "" });
    expect(ran.stderr).toMatch(/exists already[^]*no credential was asked for/);
    expect(await readFile(file, "utf8")).toBe("precious");
    const shown = await world.as("bot", ["task", "show", id, "--json"]);
    expect(parse(shown.stdout)["leases"]).toEqual([]);
  });

  it("leaves no file behind when the broker refuses", async () => {
    const file = join(dir, "refused");
    const ran = await world.as("bot", ["token", "no-such-template", "--output", file]);
    expect(ran.code).toBe(3);
    await expect(stat(file)).rejects.toThrow("ENOENT");
  });

  it("gives a credential back that nobody takes", async () => {
    const id = await world.openTask();
    const file = "/dev/full";
    const ran = await world.startAs("bot", ["token", "api-read", "--task", id], { stdoutFile: file });
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/could not be written[^]*lea_\w+ is being revoked/);
    const shown = await world.as("planner", ["task", "end", id, "--json", "--wait", "20s"]);
    expect(parse(shown.stdout)["leases"]).toMatchObject([{ state: "revoked" }]);
  });
});

interface Refusal {
  readonly name: string;
  readonly who: "bot" | "other-bot" | "planner" | "stranger";
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly code: number;
  readonly says: RegExp;
}

const refusals: readonly Refusal[] = [
  {
    name: "an unregistered identity",
    who: "stranger",
    args: ["token", "api-read"],
    code: 3,
    says: /not_registered[^]*AgentProfile/,
  },
  {
    name: "a template that is none",
    who: "bot",
    args: ["token", "nothing"],
    code: 3,
    says: /no credential was delivered/,
  },
  {
    name: "a parameter that is not allowed",
    who: "bot",
    args: ["token", "api-read", "--param", "tenant=mars"],
    code: 3,
    says: /no credential/,
  },
  {
    name: "a parameter of another type",
    who: "bot",
    args: ["token", "api-read", "--param", "tenant:=7"],
    code: 3,
    says: /no credential/,
  },
  {
    name: "an agent that opens a task",
    who: "bot",
    args: ["task", "open", "--agent", "bot", "--template", "api-read", "--deadline", "1m"],
    code: 3,
    says: /may_not_open[^]*no task was opened/,
  },
  {
    name: "a task that is unknown",
    who: "bot",
    args: ["task", "show", "tsk_01arz3ndektsv4rrffq69"],
    code: 3,
    says: /not.found[^]*check the id/,
  },
  {
    name: "a token that is no JWT",
    who: "bot",
    args: ["task", "show", "tsk_01arz3ndektsv4rrffq69"],
    env: { MAYFLY_ATTESTATION: "abc" },
    code: 3,
    says: /malformed/,
  },
];

describe("cli: what the broker refuses", () => {
  it.each(refusals)("$name", async ({ who, args, env = {}, code, says }) => {
    const ran = await world.as(who, args, { env });
    expect(ran).toMatchObject({ code, stdout: "" });
    expect(ran.stderr).toMatch(says);
    expect(ran.stderr).toMatch(/request: req_/);
    expect(ran.stderr).not.toContain(world.environment(who)["MAYFLY_ATTESTATION"]);
  });

  it("an expired attestation has an exit code of its own", async () => {
    const stale = world.issuer.attest({
      subject: "bot",
      audience: "https://broker.example",
      now: 1_700_000_000_000 as never,
    });
    const ran = await world.as("bot", ["token", "api-read"], { env: { MAYFLY_ATTESTATION: stale } });
    expect(ran).toMatchObject({ code: 5, stdout: "" });
    expect(ran.stderr).toMatch(/expired[^]*get a fresh attestation/);
  });

  it("an idempotency key that was answered before", async () => {
    const args = ["token", "api-read", "--idempotency-key", "once"];
    const attestation = world.attest("bot");
    const env = { MAYFLY_ATTESTATION: attestation };
    expect((await world.as("bot", args, { env })).code).toBe(0);
    const again = await world.as("bot", args, { env });
    expect(again).toMatchObject({ code: 1, stdout: "" });
    expect(again.stderr).toContain("another idempotency key");
  });

  it("puts the problem on stderr as JSON where JSON is asked for", async () => {
    const ran = await world.as("stranger", ["token", "api-read", "--json"]);
    expect(ran).toMatchObject({ code: 3, stdout: "" });
    expect(parse(ran.stderr)).toMatchObject({
      error: { code: "not_registered", exit_code: 3, request_id: expect.stringMatching(/^req_/) },
    });
  });
});
