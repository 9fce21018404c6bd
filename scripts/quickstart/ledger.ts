/**
 * The ledger of a quickstart: a SQLite file in its folder, or keys under a prefix of their own on the Redis that the
 * user names. They go when the quickstart ends; nothing else there is touched.
 */
import { randomBytes } from "node:crypto";
import { checkServers, type CheckedServers } from "../../src/engines/redis/connection/server-checks.ts";
import { defaultPrefix, type RedisPlace } from "../../src/engines/redis/connection/ledger-url.ts";
import type { Access, ServerNode } from "../../src/engines/redis/connection/node-client.ts";
import { createTopology } from "../../src/engines/redis/connection/topology.ts";
import type { ConfigFault, Environment } from "../../src/entry/config.ts";
import { parseLedger } from "../../src/entry/ledger-choice.ts";
import { readAccess } from "../../src/entry/redis-access.ts";

export interface QuickstartLedger {
  /** For `mayfly serve`. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  forget(): Promise<void>;
}

/** Throws with what to do where it cannot be used. `flag` is what `--ledger` says. */
export async function openQuickstartLedger(flag: string | undefined, env: Environment): Promise<QuickstartLedger> {
  const given = flag ?? env["MAYFLY_LEDGER"] ?? "";
  // A URL of the environment may hold a password, which a flag of the broker's would show to every user.
  const pass = (setting: string) =>
    flag === undefined ? { args: [], env: { MAYFLY_LEDGER: setting } } : { args: ["--ledger", setting], env: {} };
  if (given === "") return { args: [], env: {}, forget: async () => {} };
  const choice = parseLedger(given, flag === undefined ? "environment" : "flag");
  if (!choice.ok) throw faultOf(choice.fault);
  if (choice.value.kind === "sqlite") return { ...pass(given), forget: async () => {} };
  const { place } = choice.value;
  const access = await readAccess(place, env);
  if (!access.ok) throw faultOf(access.fault);
  const checked = await checkServers({ place, access: access.value, demand: null });
  if (!checked.ok) {
    const { message, fix, reason } = checked.fault;
    throw faultOf({ setting: "--ledger", message, fix: reason === "unreachable" ? howToStart(place) : fix });
  }
  if (place.prefix !== defaultPrefix) return { ...pass(given), forget: async () => {} };
  const prefix = `quickstart-${randomBytes(5).toString("hex")}`;
  const own = `${given}${given.includes("?") ? "&" : "?"}prefix=${prefix}`;
  return { ...pass(own), forget: () => forgetKeys(prefix, checked.value.shape, access.value) };
}

const faultOf = ({ setting, message, fix }: ConfigFault): Error => new Error(`${setting} ${message}\n  ${fix}`);

function howToStart({ hosts, tls, sentinel }: RedisPlace): string {
  const [first] = hosts;
  const isHere = first !== undefined && /^(localhost|127\.|::1$)/.test(first.host);
  if (!isHere || tls !== null || sentinel !== null)
    return "check host and port, that the server runs, and that rediss:// is used where it wants TLS";
  return [
    "start one in another terminal, for a look without persistence:",
    `    redis-server --port ${first.port} --save ''        (apt-get install redis-server, brew install redis)`,
    `    docker run --rm -p ${first.port}:6379 redis:8      (the same in a container)`,
  ].join("\n  ");
}

/** The prefix was drawn for this run alone. */
async function forgetKeys(prefix: string, shape: CheckedServers["shape"], access: Access): Promise<void> {
  const topology = createTopology(shape, access, { info() {}, warn() {}, error() {} });
  try {
    for (const node of topology.lane("quickstart").all()) {
      await node.ready;
      await forgetKeysOf(node, `${prefix}{*`);
      await forgetKeysOf(node, `${prefix}:*`);
    }
  } finally {
    topology.close();
  }
}

async function forgetKeysOf({ client }: ServerNode, pattern: string): Promise<void> {
  let cursor = "0";
  do {
    const [next, keys] = await client.scan(cursor, "MATCH", pattern, "COUNT", 1_000);
    // One by one: in a cluster several keys of one command must share a slot.
    await Promise.all(keys.map((key) => client.unlink(key)));
    cursor = next;
  } while (cursor !== "0");
}
