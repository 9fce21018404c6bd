// Completes package-lock.json after a dependency change. Some registries do not serve the prebuilt
// binaries of every platform; npm then leaves those optional packages out of the lock and `npm ci`
// refuses it ("Missing: ... from lock file"). This adds an entry with name, version, os and cpu, so the
// lock lists every platform; npm looks such a package up only on the platform it is for.
// Usage: npm install && node scripts/lock-stubs.mjs        (add --check to only report)
import { readFileSync, writeFileSync } from "node:fs";

const lockUrl = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(lockUrl, "utf8"));
const packages = lock.packages;
const systems = ["darwin", "linux", "win32", "android", "freebsd", "netbsd", "openbsd", "openharmony", "sunos", "aix"];
const processors = ["arm64", "x64", "ia32", "arm", "ppc64", "riscv64", "s390x", "loong64", "mips64el", "wasm32"];

/** npm's lookup: the nearest node_modules folder going up from `at`. */
function isListed(at, name) {
  for (let folder = at; ; folder = folder.slice(0, folder.lastIndexOf("node_modules/")).replace(/\/$/, "")) {
    if (packages[`${folder ? `${folder}/` : ""}node_modules/${name}`]) return true;
    if (!folder) return false;
  }
}

function stubFor(name, version, parent) {
  const words = name.split(/[^a-z0-9]+/);
  const os = systems.find((s) => words.includes(s)) ?? (words.includes("windows") ? "win32" : undefined);
  const cpu = processors.find((c) => words.includes(c)) ?? (words.includes("64") ? "x64" : undefined);
  if (!os && !cpu) return undefined; // not a platform package: its absence is a real fault of the lock
  const libc = words.includes("musl") ? ["musl"] : os === "linux" && words.includes("gnu") ? ["glibc"] : undefined;
  return {
    version,
    ...(cpu && { cpu: [cpu] }),
    ...(parent.dev && { dev: true }),
    ...(libc && { libc }),
    optional: true,
    ...(os && { os: [os] }),
  };
}

const added = [];
for (const [at, parent] of Object.entries(packages)) {
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    if (isListed(at, name)) continue;
    const stub = /^\d/.test(version) ? stubFor(name, version, parent) : undefined;
    if (!stub) console.error(`lock-stubs: ${name}@${version} (wanted by ${at || "the root"}) cannot be completed`);
    else {
      packages[`node_modules/${name}`] = stub;
      added.push(name);
    }
  }
}
console.log(`lock-stubs: ${added.length} entries ${process.argv.includes("--check") ? "missing" : "added"}`);
if (process.argv.includes("--check")) process.exitCode = added.length ? 1 : 0;
else if (added.length) {
  lock.packages = Object.fromEntries(Object.entries(packages).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(lockUrl, `${JSON.stringify(lock, null, 2)}\n`);
}
