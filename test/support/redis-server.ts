/**
 * A real redis-server on loopback and a free port. Without persistence unless told otherwise; it dies with the test's
 * process, and is only ever stopped by its own process id.
 */
import {
  freePort,
  launch as launchChild,
  makeFolder as newFolder,
  type ChildServer,
  type Launch,
} from "../../scripts/servers/child-server.ts";

export interface RedisServer extends ChildServer {
  readonly port: number;
  readonly folder: string;
}

/** Where an earlier server was: one that is started there again finds its data. */
export type RedisPlace = Pick<RedisServer, "port" | "folder">;

export const appendAlways = ["--appendonly", "yes", "--appendfsync", "always"];

export async function startRedis(args: readonly string[] = [], place?: RedisPlace): Promise<RedisServer> {
  const port = place?.port ?? (await freePort());
  const folder = place?.folder ?? makeFolder();
  const network = ["--port", String(port), "--bind", "127.0.0.1"];
  // A replica gets its copy at once: a server waits five seconds for others who may want one, too.
  const replication = ["--repl-diskless-sync-delay", "0"];
  const settings = [...network, ...replication, "--save", "", "--appendonly", "no", "--dir", folder];
  return launch({
    command: "redis-server",
    args: [...settings, ...args],
    sign: "Ready to accept connections",
    port,
    folder,
  });
}

export const makeFolder = (): string => newFolder("redis");

/** `sign` is what it says when it can be used. */
export async function launch(
  options: Pick<Launch, "command" | "args" | "sign" | "folder"> & { readonly port: number },
): Promise<RedisServer> {
  const { port, folder } = options;
  try {
    return { ...(await launchChild({ ...options, stopSignal: "SIGKILL" })), port, folder };
  } catch (error) {
    throw new Error("no Redis; if it is missing, run: apt-get install redis-server redis-sentinel", { cause: error });
  }
}
