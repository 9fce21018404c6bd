/** The machine: Node, the listen addresses, room for the ledger. Binds a port for a moment, writes nothing. */
import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname } from "node:path";
import type { Address } from "../config.ts";
import { fail, fine, warn, type Finding } from "./finding.ts";

const oldestNode = 24;

export function checkNode(version: string): Finding {
  const major = Number(/^v?(\d+)\./.exec(version)?.[1]);
  return major >= oldestNode
    ? fine("node", version)
    : fail("node", `${version} is too old`, `install Node ${oldestNode} or newer`);
}

export async function checkAddress(setting: string, address: Address): Promise<Finding> {
  const place = `${address.host}:${address.port}`;
  const code = await bindBriefly(address);
  if (code === null) return fine(setting, `${place} is free`);
  if (code === "EADDRINUSE")
    return warn(setting, `${place} is in use`, "fine if that is this broker, running; else choose another address");
  if (code === "EACCES") return fail(setting, `${place} may not be bound by this user`, "choose a port above 1023");
  return fail(setting, `${place} cannot be bound (${code})`, "name an address of this machine");
}

function bindBriefly(address: Address): Promise<string | null> {
  const { promise, resolve } = Promise.withResolvers<string | null>();
  const server = createServer();
  server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "unknown"));
  server.listen({ host: address.host, port: address.port, exclusive: true }, () => server.close(() => resolve(null)));
  return promise;
}

/** About a million live leases, and far above the ballast that keeps kills going on a full disk. */
const comfortableBytes = 1024 ** 3;
const leastBytes = 64 * 1024 ** 2;

export async function checkRoom(ledgerFile: string): Promise<Finding> {
  let dir = dirname(ledgerFile);
  while (!existsSync(dir) && dirname(dir) !== dir) dir = dirname(dir);
  try {
    const { bavail, bsize } = await statfs(dir);
    const freeBytes = bavail * bsize;
    const detail = `${(freeBytes / 1024 ** 3).toFixed(1)} GiB free in ${dir}`;
    if (freeBytes < leastBytes) return fail("disk", detail, "make room: a full disk stops issuing (killing goes on)");
    return freeBytes < comfortableBytes ? warn("disk", detail, "make room before it is full") : fine("disk", detail);
  } catch {
    return warn("disk", `the room in ${dir} cannot be told`, "check that the folder exists");
  }
}
