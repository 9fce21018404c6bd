// Starts a TypeScript program of this repository on a machine that has nothing but some Node >= 20 and npm:
// installs the locked packages when they are missing or changed, finds Node 24 or newer (the packages bring
// it along), runs the program with it, and passes on signals and the exit code. Writes nothing on stdout:
// that belongs to the program.
// Usage: node scripts/bootstrap.mjs [program.ts [args...]]      (no program: only prepare)
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const modules = join(root, "node_modules");
const bin = join(modules, ".bin");
const marker = join(modules, ".mayfly-lock");
const guard = join(modules, ".mayfly-installing");
const waitSeconds = 300; // longer than any install seen; then the guard is reported rather than stolen

const say = (text) => process.stderr.write(`mayfly: ${text}\n`);
const read = (path) => (existsSync(path) ? readFileSync(path, "utf8").trim() : "");
const lockHash = () =>
  createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
const isInstalled = () => read(marker) === lockHash();

/** Runs a command to its end and answers its exit code (128 + n when signal n ended it). */
function run(command, args, options) {
  return new Promise((done) => {
    const child = spawn(command, args, options);
    // A terminal sends Ctrl-C to the whole process group: passing it on would deliver it twice.
    const atTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
    const forward = (signal) => {
      if (!(signal === "SIGINT" && atTerminal)) child.kill(signal);
    };
    // Never taken away: a second signal that comes when the child has just ended must not change how this one ends.
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, forward);
    child.once("error", (error) => {
      say(`cannot run ${command}: ${error.message}`);
      done(127);
    });
    child.once("exit", (code, signal) => done(signal ? 128 + constants.signals[signal] : code));
  });
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/** One installer at a time: a hard link appears whole, with the owner's pid, or not at all. */
function tryGuard() {
  const own = `${guard}.${process.pid}`;
  writeFileSync(own, String(process.pid));
  try {
    linkSync(own, guard);
    return true;
  } catch {
    const owner = Number(read(guard));
    // A dead owner's guard is moved away, not deleted, so that two takers cannot both remove it.
    if (owner && !isAlive(owner)) renameSync(guard, own);
    return false;
  } finally {
    rmSync(own, { force: true });
  }
}

async function install() {
  mkdirSync(modules, { recursive: true });
  for (let waited = 0; !tryGuard(); waited++) {
    if (waited === 1) say("another install is running here, waiting for it");
    if (waited === waitSeconds) {
      say(`still waiting after ${waitSeconds} s; if no install is running, delete ${guard} and try again`);
      return 1;
    }
    await sleep(1000);
  }
  try {
    if (isInstalled()) return 0;
    say("installing packages, Node 24 among them (once, up to a minute)");
    const started = Date.now();
    const flags = ["--no-save", "--no-audit", "--no-fund", "--include=dev", "--include=optional", "--loglevel=error"];
    const hash = lockHash();
    const code = await run("npm", ["install", ...flags], { cwd: root, stdio: ["ignore", 2, 2] });
    if (code !== 0) {
      say(`npm install ended with code ${code}; check that npm reaches its registry, then run this again`);
      return code;
    }
    writeFileSync(marker, hash);
    say(`packages installed in ${Math.round((Date.now() - started) / 1000)} s`);
    return 0;
  } finally {
    rmSync(guard, { force: true });
  }
}

function findNode() {
  const isNewEnough = (version) => Number(/^v?(\d+)\./.exec(version ?? "")?.[1]) >= 24;
  if (isNewEnough(process.version)) return process.execPath;
  const packaged = join(bin, "node");
  const answer = existsSync(packaged) ? spawnSync(packaged, ["--version"], { encoding: "utf8" }).stdout : "";
  return isNewEnough(answer) ? packaged : undefined;
}

async function main() {
  const [program, ...args] = process.argv.slice(2);
  const code = isInstalled() ? 0 : await install();
  if (code !== 0) return code;
  const node = findNode();
  if (!node) {
    say(`Node 24 or newer is needed, this is ${process.version}, and the packaged one does not run on`);
    say(`${process.platform}-${process.arch}. Install Node 24 (nodejs.org), put it first in PATH and run this again.`);
    return 1;
  }
  if (!program) return 0;
  const file = resolve(root, program);
  if (!existsSync(file)) {
    say(`no such program: ${program}`);
    return 1;
  }
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ""}` };
  return run(node, [file, ...args], { env, stdio: "inherit" });
}

// Not left to end by itself: while a process winds down it no longer answers signals.
process.exit(await main());
