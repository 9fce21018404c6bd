/**
 * The masters of a ledger and which of them has a key: one server, the master that Sentinels name, or the masters of a
 * cluster. A cluster's map is read anew when a server says that a slot has moved, and every few seconds.
 */
import type { Log } from "../../ports/log.ts";
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
  readonly isCluster: boolean;
  /** Made once a lane. `onLost` is told of each lost connection and of each new master. */
  lane(name: string, onLost?: () => void): LaneNodes;
  /** Reads the map of a cluster anew, once for all who ask meanwhile. */
  refresh(): Promise<void>;
  close(): void;
}

interface Lane {
  readonly nodes: Map<string, ServerNode>;
  readonly connect: (address: Address) => ServerNode;
  readonly onLost: () => void;
}

export function createTopology(shape: Shape, access: Access, log: Log): Topology {
  const lanes: Lane[] = [];
  let ranges = shape.kind === "cluster" ? shape.ranges : [];
  let masterOfSlot = mapSlots(ranges);
  let refreshing: Promise<void> | null = null;
  let isClosed = false;

  const addresses = (): readonly (readonly [string, Address])[] =>
    shape.kind === "one"
      ? [["one", shape.address]]
      : uniqueMasters(ranges).map((at) => [addressText(at), { kind: "server", at }]);

  function joinMasters(lane: Lane, isFirst: boolean): void {
    const wanted = new Map(addresses());
    for (const [name, node] of lane.nodes) {
      if (wanted.has(name)) continue;
      lane.nodes.delete(name);
      node.close();
    }
    for (const [name, address] of wanted) {
      if (lane.nodes.has(name)) continue;
      const node = lane.connect(address);
      node.onLost(lane.onLost);
      lane.nodes.set(name, node);
      if (!isFirst) lane.onLost();
    }
  }

  async function readMap(): Promise<void> {
    if (shape.kind === "one") return;
    for (const node of lanes.flatMap(({ nodes }) => [...nodes.values()])) {
      const found = await askMap(node);
      if (found === null || isClosed) continue;
      ranges = found;
      masterOfSlot = mapSlots(found);
      for (const lane of lanes) joinMasters(lane, false);
      return;
    }
    log.warn("ledger_map_unreadable");
  }

  return {
    isCluster: shape.kind === "cluster",
    lane(name, onLost = () => {}) {
      const lane = { nodes: new Map(), onLost, connect: (at: Address) => createNode(at, access, { lane: name, log }) };
      lanes.push(lane);
      joinMasters(lane, true);
      return {
        all: () => [...lane.nodes.values()],
        nodeOf(key) {
          const master = shape.kind === "one" ? "one" : (masterOfSlot[slotOf(key)] ?? "");
          const node = lane.nodes.get(master);
          if (node === undefined) throw new Error("CLUSTERDOWN no master is known for a slot");
          return node;
        },
      };
    },
    refresh() {
      refreshing ??= readMap().finally(() => {
        refreshing = null;
      });
      return refreshing;
    },
    close() {
      isClosed = true;
      for (const { nodes } of lanes) for (const node of nodes.values()) node.close();
    },
  };

  async function askMap(node: ServerNode): Promise<readonly SlotRange[] | null> {
    try {
      const { host = "", port = 0 } = node.client.options;
      const found = parseSlots(await node.client.call("CLUSTER", "SLOTS"), { host, port });
      return found.length === 0 ? null : found;
    } catch (error) {
      log.warn("ledger_map_unread", { server: node.name, code: codeOf(error) });
      return null;
    }
  }
}

export function uniqueMasters(ranges: readonly SlotRange[]): readonly HostPort[] {
  return [...new Map(ranges.map(({ master }) => [addressText(master), master])).values()];
}

function mapSlots(ranges: readonly SlotRange[]): readonly (string | undefined)[] {
  const masters = Array.from<string | undefined>({ length: slotCount });
  for (const { from, to, master } of ranges) masters.fill(addressText(master), from, to + 1);
  return masters;
}
