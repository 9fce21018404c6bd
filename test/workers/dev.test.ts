/** `npm run worker:dev` as a user has it: started, killed under its hands, started again on what it kept, stopped. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { freePort } from "../../scripts/servers/child-server.ts";
import { epochMillis } from "../../src/kernel/time.ts";
import { eventually, eventuallyTrue } from "../support/flow/eventually.ts";
import { startIssuer, type ServedIssuer } from "../support/issuer-server.ts";

const root = join(import.meta.dirname, "../..");
const recorder = pathToFileURL(join(root, "test/support/worker/record-connections.mjs")).href;
const boundMillis = 60_000;

let folder: string;
let port: number;
let issuer: ServedIssuer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "mayfly-worker-dev-"));
  port = await freePort();
  issuer = await startIssuer();
  writePolicy();
  writeFileSync(join(folder, "secrets"), "LEDGER_CLIENT_SECRET=nobody-asks\n");
});
const cleanUps: (() => void)[] = [];
afterAll(async () => {
  for (const cleanUp of cleanUps) cleanUp();
  await issuer.close();
  rmSync(folder, { recursive: true });
});

/** The example's, with the places of this test. */
function writePolicy(): void {
  mkdirSync(join(folder, "policy"));
  for (const name of ["identities.yaml", "templates.yaml"]) {
    const text = readFileSync(join(root, "scripts/policy", name), "utf8")
      .replaceAll("http://localhost:3000", `http://localhost:${port}`)
      .replaceAll("http://localhost:4000", issuer.url)
      .replaceAll("http://localhost:4001", "http://localhost:1")
      .replace("types: [at+jwt]", "types: [JWT]");
    writeFileSync(join(folder, "policy", name), text);
  }
}

/** Resolves when it says that it can be used. */
async function start() {
  const args = ["--policy", join(folder, "policy"), "--secrets", join(folder, "secrets"), "--port", String(port)];
  args.push("--data", join(folder, "data"));
  // For every process of Node that it starts, too.
  const watched = { NODE_OPTIONS: `--import=${recorder}`, MAYFLY_TEST_CONNECTIONS: join(folder, "connections") };
  const child = spawn(process.execPath, [join(root, "scripts/worker/dev.ts"), ...args], {
    env: { ...process.env, ...watched },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = once(child, "exit");
  const { pid } = child;
  if (pid === undefined) throw new Error("it did not start");
  let told = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (told += text));
  cleanUps.push(() => {
    for (const one of below(pid)) killIfThere(one.pid);
    killIfThere(pid);
  });
  await eventuallyTrue(
    "it can be used",
    async () => told.includes("Ctrl-C stops it") || child.exitCode !== null,
    boundMillis,
  );
  expect(told).toContain("Ctrl-C stops it");
  return { pid, told: () => told, stop: () => child.kill("SIGTERM"), exited };
}

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
}

/** All that a process started, and what those did. */
function below(pid: number): readonly Process[] {
  const all = execFileSync("ps", ["-A", "-o", "pid=,ppid=,comm="], { encoding: "utf8" })
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .map(([id, parent, name = ""]) => ({ pid: Number(id), parent: Number(parent), name }));
  const of = (parent: number): readonly Process[] =>
    all.filter((one) => one.parent === parent && one.pid !== 0).flatMap((one) => [one, ...of(one.pid)]);
  return of(pid);
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It is gone.
  }
}

const isThere = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

const at = (path: string): string => `http://localhost:${port}${path}`;

const attest = (subject: string): string =>
  issuer.attest({ subject, audience: at(""), now: epochMillis(Date.now()), lifetimeSeconds: 600 });

async function issue(): Promise<string> {
  const answer = await fetch(at("/token"), {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
      subject_token: attest("invoice-bot"),
      scope: "ledger-report",
    }),
  });
  const { access_token: token } = (await answer.json()) as { readonly access_token?: string };
  if (token === undefined) throw new Error(`answered ${answer.status}`);
  return token;
}

/** As the report API asks; undefined while there is no answer. */
async function isActive(token: string): Promise<boolean | undefined> {
  const answer = await fetch(at("/introspect"), {
    method: "POST",
    headers: { authorization: `Bearer ${attest("report-api")}` },
    body: new URLSearchParams({ token }),
  }).catch(() => undefined);
  return answer?.status === 200 ? ((await answer.json()) as { readonly active: boolean }).active : undefined;
}

it(
  "serves a policy, outlives its runtime, goes on where it was, and leaves nothing behind",
  { timeout: 120_000 },
  async () => {
    const first = await start();
    expect((await fetch(at("/livez"))).status).toBe(200);
    const metadata = await fetch(at("/.well-known/oauth-authorization-server"));
    expect(await metadata.json()).toMatchObject({ issuer: at(""), token_endpoint: at("/token") });
    expect((await fetch(at("/admin/targets"))).status, "operators' paths under the public name").toBe(404);
    expect((await fetch(`http://127.0.0.1:${port}/admin/targets`)).status).toBe(401);
    const token = await issue();
    expect(await isActive(token)).toBe(true);
    expect(await isActive("another")).toBe(false);

    const runtimes = below(first.pid).filter(({ name }) => name === "workerd");
    expect(runtimes.length).toBeGreaterThan(0);
    const runtime = runtimes.at(-1);
    if (runtime !== undefined) process.kill(runtime.pid, "SIGKILL");
    expect(await eventually("the runtime is back", () => isActive(token), boundMillis)).toBe(true);

    const started = below(first.pid);
    first.stop();
    expect(await first.exited).toEqual([0, null]);
    expect(started.filter(({ pid }) => isThere(pid))).toEqual([]);

    const second = await start();
    expect(await isActive(token), "what an earlier run issued, with its keys").toBe(true);
    // A terminal that is closed, in the middle of its start or later, is no different.
    const left = below(second.pid);
    second.stop();
    expect(await second.exited).toEqual([0, null]);
    expect(left.filter(({ pid }) => isThere(pid))).toEqual([]);

    expect(statSync(join(folder, "data/keys.vars")).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, "data")).mode & 0o777).toBe(0o700);
    const rings = readFileSync(join(folder, "data/keys.vars"), "utf8");
    expect(first.told() + second.told()).not.toContain(/"d":"([^"]+)"/.exec(rings)?.[1] ?? "no ring");
    const places = new Set(readFileSync(join(folder, "connections"), "utf8").trim().split("\n"));
    expect(places).toContain("127.0.0.1");
    expect([...places].filter((place) => !["127.0.0.1", "::1", "localhost"].includes(place))).toEqual([]);
  },
);

it.each<[string, readonly string[], RegExp]>([
  ["no policy there", ["--policy", "nowhere"], /holds no YAML: name the folder of a policy/],
  ["no such file", ["--secrets", "nowhere"], /--secrets nowhere does not exist/],
  ["no port", ["--port", "none"], /--port none is no port/],
  ["another option", ["--polcy", "x"], /Unknown option '--polcy'/],
])("says what to do: %s", async (_, args, reason) => {
  const child = spawn(process.execPath, [join(root, "scripts/worker/dev.ts"), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  expect(await once(child, "close")).toEqual([1, null]);
  expect(said).toMatch(reason);
});
