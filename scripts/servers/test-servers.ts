/**
 * Servers that tests start and stop: whether they are there, how they are installed, and which tests use them. A
 * package is installed only as root or when asked for; otherwise the command to run is named.
 */
import { spawnSync } from "node:child_process";
import { glewlwydInstall, isGlewlwydThere } from "./glewlwyd.ts";
import { isOpenBaoThere, openBaoInstall } from "./openbao.ts";
import { postgresFolder } from "./postgres.ts";

interface TestServer {
  isThere(): boolean;
  readonly install: readonly string[];
  /** Patterns of the test files that need it, below any stage's folder. */
  readonly tests: readonly string[];
}

const fromDebian = (...packages: readonly string[]): readonly string[] => ["apt-get", "install", "-y", ...packages];
const answers = (command: string): boolean => spawnSync(command, ["--version"], { stdio: "ignore" }).status === 0;

const servers: Readonly<Record<string, TestServer>> = {
  redis: {
    isThere: () => ["redis-server", "redis-sentinel", "redis-cli"].every(answers),
    install: fromDebian("redis-server", "redis-sentinel"),
    tests: ["**/redis/**", "**/*redis*.test.ts"],
  },
  postgres: {
    isThere: () => postgresFolder() !== undefined && answers("psql"),
    install: fromDebian("postgresql"),
    tests: ["**/postgres/**", "**/*postgres*.test.ts"],
  },
  rgw: {
    isThere: () => ["radosgw", "ceph-mon", "ceph-osd", "ceph"].every(answers),
    install: fromDebian("radosgw", "ceph-mon", "ceph-osd", "ceph-common"),
    tests: ["**/rgw/**", "**/*rgw*.test.ts", "**/*aws-sts*.test.ts"],
  },
  openbao: {
    isThere: isOpenBaoThere,
    install: openBaoInstall,
    tests: ["**/openbao/**", "**/*openbao*.test.ts"],
  },
  glewlwyd: {
    isThere: isGlewlwydThere,
    install: glewlwydInstall,
    tests: ["**/*glewlwyd*.test.ts"],
  },
};

/** Of servers that are left out. */
export const testsNeeding = (names: readonly string[]): readonly string[] =>
  names.flatMap((name) => servers[name]?.tests ?? []);

export const testServerNames: readonly string[] = Object.keys(servers);

/** Throws with what to do where a server is missing. */
export function provideServers(options: { without: readonly string[]; mayInstall: boolean }): void {
  for (const [name, server] of Object.entries(servers)) {
    if (options.without.includes(name) || server.isThere()) continue;
    const byHand = `run: ${server.install.join(" ")}`;
    if (!options.mayInstall && process.getuid?.() !== 0)
      throw new Error(`${name} is missing; ${byHand} (or give --install, or --without ${name})`);
    console.log(`installing ${name}: ${server.install.join(" ")}`);
    const [command = "", ...args] = server.install;
    spawnSync(command, args, { stdio: ["ignore", "ignore", "inherit"] });
    if (!server.isThere()) throw new Error(`${name} could not be installed; ${byHand} (or give --without ${name})`);
  }
}
