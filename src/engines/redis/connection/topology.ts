/**
 * The masters of a ledger and which of them has a key: one server, the master that Sentinels name, or the masters of a
 * cluster. A cluster's map is read anew when a server says that a slot has moved, and every few seconds.
 */
import type { Log } from "../../../ports/log.ts";
import type { HostPort } from "./ledger-url.ts";
import { createNode, type Access, type Address, type ServerNode } from "./node-client.ts";
import { codeOf } from "./open-fault.ts";
import { addressText, parseSlots, slotCount, slotOf, type SlotRange } from "./slots.ts";

export type Shape =
  | { readonly kind: "one"; readonly address: Address }
  | { readonly kind: "cluster"; readonly seeds: readonly HostPort[]; readonly ranges: readonly SlotRange[] };

/** A set of connections of its own, one to each master. */
export interface LaneNodes {
  /** The connection to the master of this key. Throws where none is known. */
  nodeOf(key: string): ServerNode;
  all(): readonly ServerNode[];
}

export interface Topology {
  /** Made once a lane. `onLost` is told of each lost connection and of each new master. */
  lane(name: string, onLost?: () => void): LaneNodes;
  /** Reads the map of a cluster anew, once for all who ask meanwhile. */
  refresh(): Promise<void>;
  close(): void;
}

export function createTopology(shape: Shape, access: Access, log: Log): Topology {
  const lanes: Lane[] = [];
  let map = createMap(shape);
  let refreshing: Promise<void> | null = null;
  let isClosed = false;

  async function readMap(seeds: readonly HostPort[]): Promise<void> {
    const known = lanes.flatMap((lane) => lane.all());
    for (const node of known) {
      const ranges = await askMap(node, log);
      if (ranges === null || isClosed) continue;
      map = createMap({ kind: "cluster", seeds, ranges });
      for (const lane of lanes) lane.follow(map);
      return;
    }
    log.warn("ledger_map_unreadable");
  }

  return {
    lane(name, onLost = () => {}) {
      const lane = createLane((address) => createNode(address, access, { lane: name, log }), onLost);
      lanes.push(lane);
      lane.follow(map);
      return { all: () => lane.all(), nodeOf: (key) => lane.nodeOf(map.masterOf(key)) };
    },
    refresh() {
      if (shape.kind === "one") return Promise.resolve();
      refreshing ??= readMap(shape.seeds).finally(() => {
        refreshing = null;
      });
      return refreshing;
    },
    close() {
      isClosed = true;
      for (const lane of lanes) for (const node of lane.all()) node.close();
    },
  };
}

/** Who has what, by names of masters. */
interface MasterMap {
  readonly masters: ReadonlyMap<string, Address>;
  masterOf(key: string): string | undefined;
}

function createMap(shape: Shape): MasterMap {
  if (shape.kind === "one") return { masters: new Map([["one", shape.address]]), masterOf: () => "one" };
  const bySlot = Array.from<string | undefined>({ length: slotCount });
  for (const { from, to, master } of shape.ranges) bySlot.fill(addressText(master), from, to + 1);
  const masters = uniqueMasters(shape.ranges).map((at) => [addressText(at), { kind: "server", at }] as const);
  return { masters: new Map(masters), masterOf: (key) => bySlot[slotOf(key)] };
}

interface Lane {
  all(): readonly ServerNode[];
  nodeOf(master: string | undefined): ServerNode;
  /** Connects to masters that are new in the map, and leaves those that are gone. */
  follow(map: MasterMap): void;
}

function createLane(connect: (address: Address) => ServerNode, onLost: () => void): Lane {
  const nodes = new Map<string, ServerNode>();
  let isFirst = true;
  return {
    all: () => [...nodes.values()],
    nodeOf(master) {
      const node = nodes.get(master ?? "");
      if (node === undefined) throw new Error("CLUSTERDOWN no master is known for a slot");
      return node;
    },
    follow({ masters }) {
      for (const [name, node] of nodes) {
        if (masters.has(name)) continue;
        nodes.delete(name);
        node.close();
      }
      for (const [name, address] of masters) {
        if (nodes.has(name)) continue;
        const node = connect(address);
        node.onLost(onLost);
        nodes.set(name, node);
        if (!isFirst) onLost();
      }
      isFirst = false;
    },
  };
}

async function askMap(node: ServerNode, log: Log): Promise<readonly SlotRange[] | null> {
  try {
    const { host = "", port = 0 } = node.client.options;
    const found = parseSlots(await node.client.call("CLUSTER", "SLOTS"), { host, port });
    return found.length === 0 ? null : found;
  } catch (error) {
    log.warn("ledger_map_unread", { server: node.name, code: codeOf(error) });
    return null;
  }
}

export function uniqueMasters(ranges: readonly SlotRange[]): readonly HostPort[] {
  return [...new Map(ranges.map(({ master }) => [addressText(master), master])).values()];
}
