/**
 * What counts as a step of the broker: a call through a port. Each verb is named here as a write (it changes something
 * outside the process) or a read; a verb that is added to a port does not compile until it is.
 */
import { ok } from "../../../src/kernel/result.ts";
import type { HttpClient, HttpRequest } from "../../../src/ports/http-client.ts";
import type { Ledger } from "../../../src/ports/ledger.ts";
import type { Provider, ProviderType } from "../../../src/ports/provider.ts";
import type { Sealer } from "../../../src/ports/sealer.ts";
import type { Adapters } from "../../../src/entry/assemble.ts";

export type Effect = "read" | "write";
export type Side = "before" | "after";

export interface PortCall {
  readonly name: string;
  readonly effect: Effect;
}

/** Told synchronously, so that it can stop the whole process at that very instant. */
export interface Watcher {
  /** Answers which call of that name it is. */
  before(call: PortCall): number;
  /** The nth call took effect; its answer has not reached the caller yet. */
  after(call: PortCall, nth: number, answer: unknown): void;
}

const ledgerVerbs: Readonly<Record<keyof Ledger, Effect | "unwatched">> = {
  openTask: "write",
  heartbeat: "write",
  endTask: "write",
  closeDoor: "write",
  openDoor: "write",
  loadPolicy: "write",
  recordIntent: "write",
  completeMint: "write",
  failMint: "write",
  makeDue: "write",
  reopenLease: "write",
  closeOverdueTasks: "write",
  expandKillOrders: "write",
  claimDue: "write",
  recordVerdict: "write",
  releaseClaim: "write",
  setTarget: "write",
  takeLock: "write",
  releaseLock: "write",
  purge: "write",
  appendAudit: "write",
  acceptClock: "write",
  dueWork: "read",
  readTask: "read",
  readLease: "read",
  findLease: "read",
  listLeases: "read",
  summarize: "read",
  blastRadius: "read",
  listStuck: "read",
  listDenied: "read",
  listActive: "read",
  noteProvider: "write",
  listProviderNotes: "read",
  listTargets: "read",
  listDoors: "read",
  listAudit: "read",
  auditHead: "read",
  sealedKeyIds: "read",
  mark: "read",
  health: "read",
  onDue: "unwatched",
  close: "unwatched",
};

const sealerVerbs: Readonly<Record<keyof Sealer, Effect | "unwatched">> = {
  seal: "read",
  open: "read",
  keyIds: "unwatched",
};

/** `parseScope` and `plan` compute; `check` is the doctor's. */
const providerVerbs: Readonly<Record<keyof Provider, Effect | "unwatched">> = {
  mint: "write",
  revoke: "write",
  probe: "read",
  type: "unwatched",
  capabilities: "unwatched",
  digest: "unwatched",
  parseScope: "unwatched",
  plan: "unwatched",
  list: "read",
  revokeStray: "write",
  findUndone: "read",
  findEnded: "read",
  check: "unwatched",
  close: "unwatched",
};

export function watchAdapters(adapters: Adapters, watcher: Watcher): Adapters {
  const { ledger, sealer, connections } = adapters;
  return {
    ...adapters,
    ledger: watchVerbs(ledger, { prefix: "ledger", verbs: ledgerVerbs, watcher }),
    sealer: watchVerbs(sealer, { prefix: "sealer", verbs: sealerVerbs, watcher }),
    connections: {
      ...connections,
      issuing: watchHttp(connections.issuing, watcher),
      revoking: watchHttp(connections.revoking, watcher),
      async loadProviderType(type) {
        const found = await connections.loadProviderType(type);
        return found.ok ? ok(watchProviderType(found.value, watcher)) : found;
      },
    },
  };
}

const watchProviderType = (providerType: ProviderType, watcher: Watcher): ProviderType => ({
  ...providerType,
  async create(options, tools) {
    const made = await providerType.create(options, tools);
    if (!made.ok) return made;
    return { ok: true, value: watchVerbs(made.value, { prefix: "provider", verbs: providerVerbs, watcher }) };
  },
});

const watchHttp = (http: HttpClient, watcher: Watcher): HttpClient => ({
  send: (request) => watched(httpCall(request), watcher, () => http.send(request)),
});

function httpCall({ method, url }: HttpRequest): PortCall {
  const { pathname } = new URL(url);
  const isRead = method === "GET" || pathname.endsWith("/introspection");
  return { name: `http ${method} ${pathname}`, effect: isRead ? "read" : "write" };
}

type Verb = (...args: readonly unknown[]) => Promise<unknown>;

function watchVerbs<Port extends object>(
  port: Port,
  wish: { prefix: string; verbs: Readonly<Record<keyof Port, Effect | "unwatched">>; watcher: Watcher },
): Port {
  const verbs = Object.entries<Effect | "unwatched">(wish.verbs).flatMap(([name, effect]) => {
    const verb: unknown = Reflect.get(port, name);
    if (effect === "unwatched" || typeof verb !== "function") return [];
    const call = { name: `${wish.prefix}.${name}`, effect };
    const replaced: Verb = (...args) => watched(call, wish.watcher, () => (verb as Verb).apply(port, [...args]));
    return [[name, replaced]];
  });
  return { ...port, ...Object.fromEntries(verbs) };
}

/** The inner call is made in the same turn: callers rely on the order in which verbs reach the store. */
function watched<T>(call: PortCall, watcher: Watcher, run: () => Promise<T>): Promise<T> {
  const nth = watcher.before(call);
  return run().then((answer) => {
    watcher.after(call, nth, answer);
    return answer;
  });
}
