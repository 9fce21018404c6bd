/**
 * Looks every second whether the servers behind the issuing connections are still the ones that have what this process
 * was told is stored. While that is in doubt nothing is issued: another master may lack ends and doors. Also says that
 * this node is alive, notes replicas that are new, and stops issuing before the servers' memory is full, so that kills
 * still have room.
 */
import type { Cancel, Clock } from "../../../kernel/clock.ts";
import { millis } from "../../../kernel/time.ts";
import type { SuspendReason } from "../../../ports/ledger-views.ts";
import type { Log } from "../../../ports/log.ts";
import type { ServerNode } from "./node-client.ts";
import { codeOf } from "./open-fault.ts";
import { hasCopy, memoryFrom, parseInfo, type MemoryFacts } from "./server-facts.ts";

export interface WatchParts {
  readonly nodes: () => readonly ServerNode[];
  readonly refresh: () => Promise<void>;
  /** These have a replica with its copy. */
  readonly noteReplicas: (replicated: readonly ServerNode[]) => void;
  readonly sayAlive: () => Promise<void>;
  /** Writes again what another master may lack; false where that is not certain yet. */
  readonly replay: () => Promise<boolean>;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Watch {
  /** Why this process may not issue now. */
  held(): SuspendReason | null;
  /** Something happened after which another server may answer. Issuing rests from this very moment. */
  doubt(): void;
  /** Looks once, and then every second. */
  start(): Promise<void>;
  stop(): void;
}

const tickMillis = millis(1_000);
/** A cluster's map is read anew at least this often. */
const ticksBetweenMaps = 5;
/** After a change of master: other nodes write again what they know, too. */
const settleMillis = 2_000;
const fullShare = 0.9;

export const isNearlyFull = ({ usedBytes, maxBytes }: MemoryFacts): boolean =>
  maxBytes > 0 && usedBytes > maxBytes * fullShare;

interface State {
  /** Of the masters that are known to have everything; null before the first look. */
  known: ReadonlySet<string> | null;
  doubts: number;
  isInDoubt: boolean;
  isFull: boolean;
  settlesAt: number;
}

export function createWatch(parts: WatchParts): Watch {
  const { clock, log } = parts;
  const state: State = { known: null, doubts: 0, isInDoubt: true, isFull: false, settlesAt: 0 };
  let isStopped = false;
  let isLooking = false;
  let ticks = 0;
  let cancel: Cancel = () => {};

  async function look(): Promise<void> {
    if (isLooking) return;
    isLooking = true;
    const { doubts } = state;
    try {
      if (await verify(parts, state)) state.isInDoubt = state.doubts !== doubts;
    } catch (error) {
      if (!state.isInDoubt && !isStopped) log.warn("ledger_in_doubt", { code: codeOf(error) });
      state.isInDoubt = true;
    } finally {
      isLooking = false;
    }
  }

  async function tick(): Promise<void> {
    ticks += 1;
    if (state.isInDoubt || ticks % ticksBetweenMaps === 0) await parts.refresh();
    // Writing again what another master lost may take long; meanwhile this node must not seem dead.
    void look();
    await parts.sayAlive().catch(() => {});
    again();
  }

  function again(): void {
    if (!isStopped) cancel = clock.after(tickMillis, () => void tick());
  }

  return {
    held() {
      if (state.isInDoubt || clock.monotonicMillis() < state.settlesAt) return "restoring";
      return state.isFull ? "disk_full" : null;
    },
    doubt() {
      state.doubts += 1;
      state.isInDoubt = true;
      if (!isStopped) void look();
    },
    async start() {
      await look();
      again();
    },
    stop() {
      isStopped = true;
      cancel();
    },
  };
}

/** Whether all that was stored is on the servers that answer now. */
async function verify({ nodes, noteReplicas, replay, clock, log }: WatchParts, state: State): Promise<boolean> {
  const servers = await Promise.all(nodes().map(askServer));
  noteReplicas(servers.filter(({ isReplicated }) => isReplicated).map(({ node }) => node));
  noteMemory(
    state,
    servers.some(({ memory }) => isNearlyFull(memory)),
    log,
  );
  const runIds = new Set(servers.map(({ runId }) => runId));
  const isNew = state.known !== null && ![...runIds].every((runId) => state.known?.has(runId));
  if (isNew) {
    state.isInDoubt = true;
    log.warn("ledger_master_changed", { servers: servers.length });
    if (!(await replay())) return false;
    state.settlesAt = clock.monotonicMillis() + settleMillis;
  }
  state.known = runIds;
  return true;
}

interface Seen {
  readonly node: ServerNode;
  readonly runId: string;
  readonly memory: MemoryFacts;
  readonly isReplicated: boolean;
}

async function askServer(node: ServerNode): Promise<Seen> {
  const { client } = node;
  const sections = await Promise.all([client.info("server"), client.info("memory"), client.info("replication")]);
  const [server = new Map<string, string>(), memory = server, replication = server] = sections.map(parseInfo);
  const runId = server.get("run_id");
  if (runId === undefined) throw new Error("the server does not say which it is");
  // What a start would refuse may also come while it runs: someone turned the server's settings.
  if (replication.get("role") !== "master") throw unfit("REPLICA");
  if (memory.get("maxmemory_policy") !== "noeviction") throw unfit("EVICTS");
  return { node, runId, memory: memoryFrom(memory), isReplicated: hasCopy(replication) };
}

const unfit = (code: "REPLICA" | "EVICTS"): Error => Object.assign(new Error("the server is not fit"), { code });

function noteMemory(state: State, isFull: boolean, log: Log): void {
  if (isFull && !state.isFull) log.error("ledger_memory_full", { issuing: "suspended" });
  if (!isFull && state.isFull) log.info("ledger_memory_has_room");
  state.isFull = isFull;
}
