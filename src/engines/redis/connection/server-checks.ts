/**
 * Whether a ledger may stand on these servers: asked before anything is written there. Connects once, reads, and leaves.
 * Refuses what would lose or forget: a replica, a server that evicts, one too old, and in production one whose answers
 * may be lost with it.
 */
import { Redis } from "ioredis";
import { err, ok, type Result } from "../../../kernel/result.ts";
import {
  describeDurability,
  durabilityFix,
  durabilityOf,
  isAccepted,
  weakest,
  type AcceptedLoss,
  type Durability,
} from "./durability.ts";
import { describePlace, type RedisPlace } from "./ledger-url.ts";
import { clientOptions, type Access, type Address } from "./node-client.ts";
import { faultOfError, openFault, type OpenFault } from "./open-fault.ts";
import { readFacts, type ServerFacts } from "./server-facts.ts";
import { addressText, parseSlots, slotCount, type SlotRange } from "./slots.ts";
import { uniqueMasters, type Shape } from "./topology.ts";

export interface CheckedServers {
  readonly shape: Shape;
  /** Of each master. */
  readonly masters: readonly ServerFacts[];
  readonly durability: Durability;
  /** A failover may take the place of a master, so that a replica must have what may not be lost. */
  readonly mayFailOver: boolean;
  readonly knowsFlags: boolean;
}

export interface CheckOptions {
  readonly place: RedisPlace;
  readonly access: Access;
  /** Null outside of production: any loss is accepted there. */
  readonly demand: { readonly acceptedLoss: AcceptedLoss } | null;
}

const oldestVersion = [6, 2] as const;
const flagsVersion = [7, 0] as const;
const isAtLeast = (
  [major, minor]: ServerFacts["version"],
  [needMajor, needMinor]: readonly [number, number],
): boolean => major > needMajor || (major === needMajor && minor >= needMinor);

export async function checkServers({
  place,
  access,
  demand,
}: CheckOptions): Promise<Result<CheckedServers, OpenFault>> {
  const found = place.sentinel === null ? await findServers(place, access) : await findMaster(place, access);
  if (!found.ok) return found;
  const { shape, servers } = found.value;
  for (const { name, facts } of servers) {
    const fault = faultOf(name, facts);
    if (fault !== null) return err(fault);
  }
  const masters = servers.map(({ facts }) => facts);
  const mayFailOver = place.sentinel !== null || isReplicatedCluster(shape, masters);
  const durability = weakest(masters.map((facts) => durabilityOf(facts, mayFailOver)));
  if (demand !== null && !isAccepted(durability, demand.acceptedLoss))
    return err(
      openFault("weak", `${describePlace(place)}: ${describeDurability(durability)}`, durabilityFix(durability)),
    );
  const knowsFlags = masters.every(({ version }) => isAtLeast(version, flagsVersion));
  return ok({ shape, masters, durability, mayFailOver, knowsFlags });
}

/** A cluster does not list a replica that still waits for its first copy, but its master counts it. */
const isReplicatedCluster = (shape: Shape, masters: readonly ServerFacts[]): boolean =>
  shape.kind === "cluster" &&
  (shape.ranges.some(({ replicas }) => replicas > 0) || masters.some(({ replicas }) => replicas > 0));

interface Found {
  readonly shape: Shape;
  readonly servers: readonly { readonly name: string; readonly facts: ServerFacts }[];
}

async function findMaster(place: RedisPlace, access: Access): Promise<Result<Found, OpenFault>> {
  const address: Address = { kind: "sentinels", at: place.hosts, name: place.sentinel ?? "" };
  const where = describePlace(place);
  const asked = await askOnce(where, address, access, readFacts);
  if (!asked.ok) return asked;
  return asFound(where, asked.value, { kind: "one", address });
}

/** The first of the hosts that answers says what they all are. */
async function findServers(place: RedisPlace, access: Access): Promise<Result<Found, OpenFault>> {
  let lastFault = openFault("unreachable", `${describePlace(place)} names no host`, "name one");
  for (const at of place.hosts) {
    const asked = await askOnce(addressText(at), { kind: "server", at }, access, async (client) => {
      const facts = await readFacts(client);
      return { facts, slots: facts?.isCluster === true ? parseSlots(await client.call("CLUSTER", "SLOTS"), at) : [] };
    });
    if (asked.ok) {
      const { facts, slots } = asked.value;
      if (facts?.isCluster === true) return findMasters(place, access, slots);
      if (place.hosts.length > 1) return err(severalFault(place));
      return asFound(addressText(at), facts, { kind: "one", address: { kind: "server", at } });
    }
    lastFault = asked.fault;
  }
  return err(lastFault);
}

const severalFault = (place: RedisPlace): OpenFault =>
  openFault(
    "not_redis",
    `${describePlace(place)} names several servers that are no cluster`,
    "name one of them, or add ?sentinel=NAME if these are Sentinels",
  );

async function findMasters(
  place: RedisPlace,
  access: Access,
  ranges: readonly SlotRange[],
): Promise<Result<Found, OpenFault>> {
  const covered = ranges.reduce((total, { from, to }) => total + to - from + 1, 0);
  if (covered < slotCount)
    return err(
      openFault(
        "cluster_down",
        `${describePlace(place)} has no master for ${slotCount - covered} of its ${slotCount} slots`,
        "mend the cluster; every slot needs a master",
      ),
    );
  const servers: { name: string; facts: ServerFacts }[] = [];
  for (const at of uniqueMasters(ranges)) {
    const asked = await askOnce(addressText(at), { kind: "server", at }, access, readFacts);
    if (!asked.ok) return asked;
    const found = asFound(addressText(at), asked.value, { kind: "one", address: { kind: "server", at } });
    if (!found.ok) return found;
    servers.push(...found.value.servers);
  }
  return ok({ servers, shape: { kind: "cluster", seeds: place.hosts, ranges } });
}

function asFound(name: string, facts: ServerFacts | null, shape: Shape): Result<Found, OpenFault> {
  if (facts !== null) return ok({ shape, servers: [{ name, facts }] });
  return err(openFault("not_redis", `${name} does not answer as Redis does`, "check host and port"));
}

async function askOnce<T>(
  where: string,
  address: Address,
  access: Access,
  ask: (client: Redis) => Promise<T>,
): Promise<Result<T, OpenFault>> {
  const client = new Redis(clientOptions(address, access, { name: "check", once: true }));
  let cause: unknown;
  client.on("error", (error) => {
    cause ??= error;
  });
  try {
    await client.connect();
    return ok(await ask(client));
  } catch (error) {
    return err(faultOfError(where, cause ?? error));
  } finally {
    client.disconnect();
  }
}

/** What no setting of ours accepts. */
function faultOf(where: string, facts: ServerFacts): OpenFault | null {
  if (!isAtLeast(facts.version, oldestVersion))
    return openFault(
      "too_old",
      `${where} is Redis ${facts.versionText}`,
      "use Redis 6.2 or newer; 7.0 or newer is better",
    );
  if (facts.role === "replica")
    return openFault(
      "replica",
      `${where} is a replica, which cannot be written`,
      "name its master, or the Sentinels with ?sentinel=NAME",
    );
  if (facts.evictionPolicy !== "noeviction")
    return openFault(
      "evicts",
      `${where} drops keys when its memory is full (maxmemory-policy ${facts.evictionPolicy})`,
      "set maxmemory-policy noeviction: a lease that was dropped could never be revoked",
    );
  return null;
}
