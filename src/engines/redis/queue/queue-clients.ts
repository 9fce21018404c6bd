/**
 * The connections of the queues, apart from the ledger's own. BullMQ wants other manners than a ledger: a worker waits in
 * a blocking call for as long as it takes, and whatever is repeated or late here is a wake-up and no truth.
 */
import { Cluster, Redis, type RedisOptions } from "ioredis";
import type { Log } from "../../../ports/log.ts";
import { clientOptions, type Access } from "../connection/node-client.ts";
import { codeOf } from "../connection/open-fault.ts";
import type { Shape } from "../connection/topology.ts";

export interface QueueClients {
  readonly adding: Redis | Cluster;
  readonly working: Redis | Cluster;
  readonly subscriber: Redis | Cluster;
  close(): void;
}

export function openQueueClients(shape: Shape, access: Access, log: Log): QueueClients {
  const open = (use: string): Redis | Cluster => {
    const client = createClient(shape, access, use);
    client.on("error", (error: unknown) => log.warn("queue_connection", { use, code: codeOf(error) }));
    return client;
  };
  const clients = { adding: open("queue"), working: open("worker"), subscriber: open("bell") };
  return {
    ...clients,
    close() {
      for (const client of Object.values(clients)) client.disconnect();
    },
  };
}

function createClient(shape: Shape, access: Access, use: string): Redis | Cluster {
  if (shape.kind === "one") return new Redis(patient(clientOptions(shape.address, access, { name: use, once: false })));
  const [seed] = shape.seeds;
  if (seed === undefined) throw new Error("a cluster without a server");
  const {
    host: _host,
    port: _port,
    ...options
  } = patient(clientOptions({ kind: "server", at: seed }, access, { name: use, once: false }));
  return new Cluster([...shape.seeds], { redisOptions: options });
}

/** Waits for a server that is away, and for an answer, as long as it takes. */
function patient<O extends RedisOptions>({
  commandTimeout: _commandTimeout,
  socketTimeout: _socketTimeout,
  ...options
}: O) {
  return {
    ...options,
    lazyConnect: false,
    enableOfflineQueue: true,
    autoResendUnfulfilledCommands: true,
    enableAutoPipelining: false,
    maxRetriesPerRequest: null,
  };
}
