/**
 * Servers that tests start and stop: which commands they need, how those are installed, and which tests use them. A
 * package is installed only as root or when asked for; otherwise the command to run is named.
 */
import { spawnSync } from "node:child_process";

interface TestServer {
  readonly commands: readonly string[];
  readonly packages: readonly string[];
  /** Patterns of the test files that need it, below any stage's folder. */
  readonly tests: readonly string[];
}

const servers: Readonly<Record<string, TestServer>> = {
  redis: {
    commands: ["redis-server", "redis-sentinel", "redis-cli"],
    packages: ["redis-server", "redis-sentinel"],
    tests: ["**/redis/**", "**/*redis*.test.ts"],
  },
};

/** Of servers that are left out. */
export const testsNeeding = (names: readonly string[]): readonly string[] =>
  names.flatMap((name) => servers[name]?.tests ?? []);

/** Throws with what to do where a server is missing. */
export function provideServers(options: { without: readonly string[]; mayInstall: boolean }): void {
  for (const [name, { commands, packages }] of Object.entries(servers)) {
    if (options.without.includes(name) || commands.every(isInstalled)) continue;
    const install = ["apt-get", "install", "-y", ...packages];
    if (!options.mayInstall && process.getuid?.() !== 0)
      throw new Error(`${name} is missing; run: ${install.join(" ")} (or give --install, or --without ${name})`);
    console.log(`installing ${packages.join(" and ")}`);
    const [command = "", ...args] = install;
    spawnSync(command, args, { stdio: ["ignore", "ignore", "inherit"] });
    if (!commands.every(isInstalled))
      throw new Error(`${name} could not be installed; run: ${install.join(" ")} (or give --without ${name})`);
  }
}

const isInstalled = (command: string): boolean => spawnSync(command, ["--version"], { stdio: "ignore" }).status === 0;
