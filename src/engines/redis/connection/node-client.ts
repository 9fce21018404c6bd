/**
 * One connection to one server. It never resends and never queues what it cannot send: such a command is `unknown` to
 * its caller at once, and the caller acts on that. It reconnects for ever, at a bounded pace.
 */
import { Redis, type RedisOptions } from "ioredis";
import type { Redacted } from "../../../kernel/redacted.ts";
import type { Log } from "../../../ports/log.ts";
import type { HostPort } from "./ledger-url.ts";
import { codeOf } from "./open-fault.ts";

export interface Access {
  readonly user: string | null;
  readonly password: Redacted | null;
  readonly sentinelPassword: Redacted | null;
  /** The CA's certificates as PEM; null for the system's. */
  readonly tls: { readonly ca: string | null } | null;
}

/** A server by its address, or whoever the Sentinels say is the master. */
export type Address =
  | { readonly kind: "server"; readonly at: HostPort }
  | { readonly kind: "sentinels"; readonly at: readonly HostPort[]; readonly name: string };

export interface ServerNode {
  readonly name: string;
  readonly client: Redis;
  /** Resolves when it can be used for the first time. */
  readonly ready: Promise<void>;
  /** Grows with every new connection: what was sent on an earlier one is not waited for on a later one. */
  connection(): number;
  /** Called whenever the connection is lost. */
  onLost(listener: () => void): void;
  close(): void;
}

const connectMillis = 3_000;
export const commandMillis = 5_000;
/** A connection on which an answer is overdue by this is taken to be dead. */
const silenceMillis = 10_000;
const longestPauseMillis = 1_000;

const pause = (attempt: number): number => Math.min(longestPauseMillis, 25 * 2 ** Math.min(attempt, 10));

/** `once` gives up at the first failure, and says why. */
export function clientOptions(
  address: Address,
  access: Access,
  use: { name: string; once: boolean },
): RedisOptions & { replyMapping: "legacy" } {
  const retry = use.once ? () => null : pause;
  const tls =
    access.tls === null
      ? undefined
      : { ...(access.tls.ca !== null && { ca: access.tls.ca }), rejectUnauthorized: true };
  return {
    ...(address.kind === "server"
      ? { host: address.at.host, port: address.at.port }
      : {
          sentinels: [...address.at],
          name: address.name,
          sentinelRetryStrategy: retry,
          sentinelCommandTimeout: 1_000,
          failoverDetector: !use.once,
          ...(access.sentinelPassword !== null && { sentinelPassword: access.sentinelPassword.reveal() }),
          ...(tls !== undefined && { enableTLSForSentinelMode: true, sentinelTLS: tls }),
        }),
    ...(access.user !== null && { username: access.user }),
    ...(access.password !== null && { password: access.password.reveal() }),
    ...(tls !== undefined && { tls }),
    replyMapping: "legacy",
    connectionName: `mayfly-${use.name}`,
    lazyConnect: true,
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    // Without this what was in flight when the connection broke would be answered by its timeout only.
    maxRetriesPerRequest: 0,
    enableAutoPipelining: true,
    autoPipeliningIgnoredCommands: ["wait"],
    connectTimeout: connectMillis,
    commandTimeout: commandMillis,
    socketTimeout: silenceMillis,
    retryStrategy: retry,
    // A master that became a replica: look for the new one. The command itself is not sent again.
    reconnectOnError: (error) => codeOf(error) === "READONLY",
  };
}

export function createNode(address: Address, access: Access, options: { lane: string; log: Log }): ServerNode {
  const { lane, log } = options;
  const client = new Redis(clientOptions(address, access, { name: lane, once: false }));
  const name = address.kind === "server" ? `${address.at.host}:${address.at.port}` : address.name;
  const lost: (() => void)[] = [];
  let connections = 0;
  let isUp = false;
  let isClosed = false;
  const { promise: ready, resolve: becomeReady } = Promise.withResolvers<void>();
  client.on("error", () => {});
  client.on("ready", () => {
    connections += 1;
    isUp = true;
    becomeReady();
    log.info("ledger_connected", { server: name, lane });
  });
  client.on("close", () => {
    if (!isUp || isClosed) return;
    isUp = false;
    log.warn("ledger_connection_lost", { server: name, lane });
    for (const listener of lost) listener();
  });
  client
    .connect()
    .catch((error: unknown) => log.warn("ledger_unreachable", { server: name, lane, code: codeOf(error) }));
  return {
    name,
    client,
    ready,
    connection: () => connections,
    onLost: (listener) => void lost.push(listener),
    close() {
      isClosed = true;
      client.disconnect();
    },
  };
}
