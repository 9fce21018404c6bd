/**
 * Which object a request is for: the home of the task or lease that it names, so that all it needs is in one place. Any
 * object would answer rightly; this only saves it the way. What names nothing goes anywhere.
 */
import type { Entropy } from "../../kernel/entropy.ts";
import { parseLeaseId, parseTaskId } from "../../kernel/ids.ts";
import { maxBodyBytes } from "../../kernel/limits.ts";
import { anyShard, shardOfId } from "./shard-objects.ts";

export interface Routed {
  readonly shard: number;
  /** To be passed on in place of the one that came, whose body may have been read. */
  readonly request: Request;
}

export async function routeRequest(
  request: Request,
  { shards, entropy }: { readonly shards: number; readonly entropy: Entropy },
): Promise<Routed> {
  const [, kind = "", id = ""] = new URL(request.url).pathname.split("/");
  const named = kind === "tasks" ? parseTaskId(id) : kind === "leases" ? parseLeaseId(id) : undefined;
  if (named !== undefined) return { shard: shardOfId(named, shards), request };
  const anywhere = { shard: anyShard(shards, entropy), request };
  if (shards === 1 || request.method !== "POST" || kind !== "token" || !isShort(request)) return anywhere;
  const body = await request.text();
  const taskId = parseTaskId(new URLSearchParams(body).get("task_id") ?? "");
  return {
    shard: taskId === undefined ? anywhere.shard : shardOfId(taskId, shards),
    request: new Request(request, { method: "POST", body }),
  };
}

/** What does not say how long it is, or is too long, is refused by whoever reads it whole. */
function isShort(request: Request): boolean {
  const length = request.headers.get("content-length");
  return length !== null && /^[0-9]{1,6}$/.test(length) && Number(length) <= maxBodyBytes;
}
