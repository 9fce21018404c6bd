/**
 * A broker in the Workers runtime on this machine: `wrangler dev` over a configuration that is made of `wrangler.toml`.
 * Everything that it keeps is in one folder: key rings of its own (made once, for their owner's eyes), the storage of its
 * objects, wrangler's files. It has loopback alone: nothing is asked of, or told to, anybody else.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { createWriteStream, existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { generateRings } from "../../src/entry/edge/key-rings.ts";
import { createSystemEntropy } from "../../src/entry/system-clock.ts";
import { logFileIn, type BrokerAddresses, type HostedBroker } from "../quickstart/broker-host.ts";
import { localConfig, policyBuild } from "./local-config.ts";
import { quietWrangler } from "./quiet-wrangler.ts";

const root = join(import.meta.dirname, "../..");

export interface DevBrokerWish {
  readonly dir: string;
  readonly policy: string;
  readonly port: number;
  /** Files of secrets in the form of `.dev.vars`; what a later one says counts. */
  readonly secretFiles: readonly string[];
  /** Shows its log on the terminal, too. */
  readonly isShown: boolean;
}

/** One port with two names: the one for operators need not be one that only some machines resolve. */
export const devAddresses = (port: number): BrokerAddresses => ({
  brokerUrl: `http://localhost:${port}`,
  adminUrl: `http://127.0.0.1:${port}`,
});

export async function startDevBroker(wish: DevBrokerWish): Promise<HostedBroker> {
  const { dir, policy, port, secretFiles } = wish;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const config = join(dir, "wrangler.json");
  const { brokerUrl, adminUrl } = devAddresses(port);
  const vars = { MAYFLY_DEVELOPMENT: "1", MAYFLY_ISSUER: brokerUrl, MAYFLY_ADMIN_HOST: new URL(adminUrl).host };
  await writeFile(config, JSON.stringify(await localConfig({ dir, policy, vars }), null, 2));
  const files = [await keyFileIn(dir), ...secretFiles];
  const args = ["dev", "--config", config, "--ip", "127.0.0.1", "--port", String(port), "--inspector-port", "0"];
  args.push("--local-protocol", "http", "--persist-to", join(dir, "state"), "--show-interactive-dev-session=false");
  args.push(...files.flatMap((file) => ["--env-file", file]));
  const env = { ...process.env, ...quietWrangler(join(dir, "home")), ...policyBuild({ dir, policy }) };
  const wrangler = join(root, "node_modules/wrangler/bin/wrangler.js");
  // In a group of its own: a terminal's signal reaches this process alone, and what it starts ends with it.
  const child = spawn(process.execPath, [wrangler, ...args], {
    cwd: dir,
    env,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  keepLog(child, wish);
  const exited = new Promise<void>((done) => child.once("exit", () => done()));
  return { logFile: logFileIn(dir), exited, end: () => endGroup(child, exited) };
}

/** Made on the first run; never again, because an old ring may be all that can open what is stored. */
async function keyFileIn(dir: string): Promise<string> {
  const path = join(dir, "keys.vars");
  if (existsSync(path)) return path;
  const rings = Object.entries(await generateRings(createSystemEntropy()));
  const text = secretLines(rings.map(([name, ring]) => [name, ring.reveal()]));
  await writeFile(path, text, { flag: "wx", mode: 0o600, flush: true });
  return path;
}

/** The form of `.dev.vars`. */
export const secretLines = (secrets: readonly (readonly [string, string])[]): string =>
  secrets.map(([name, value]) => `${name}='${value}'\n`).join("");

function keepLog(child: ChildProcess, { dir, isShown }: DevBrokerWish): void {
  const file = createWriteStream(logFileIn(dir), { mode: 0o600 });
  for (const stream of [child.stdout, child.stderr]) {
    stream?.pipe(file, { end: false });
    if (isShown) stream?.pipe(process.stderr, { end: false });
  }
}

/** Longer than wrangler takes to close what it opened, and than a killed process takes to be gone. */
const endBoundMillis = 10_000;
const goneBoundMillis = 2_000;

/** What wrangler leaves of its group, at an end that hangs or one that comes while it still starts, is killed. */
async function endGroup(child: ChildProcess, exited: Promise<void>): Promise<void> {
  child.kill("SIGTERM");
  const { promise: isLate, resolve: giveUp } = Promise.withResolvers<void>();
  const timer = setTimeout(giveUp, endBoundMillis);
  await Promise.race([exited, isLate]);
  clearTimeout(timer);
  const until = performance.now() + goneBoundMillis;
  while (killGroup(child) && performance.now() < until) await sleep(20);
}

/** Whether there was one. */
function killGroup({ pid }: ChildProcess): boolean {
  try {
    return pid !== undefined && process.kill(-pid, "SIGKILL");
  } catch {
    return false;
  }
}
