/** The Worker itself: passes each request to the object that it is for, and answers for one that cannot be reached. */
import type { DurableObjectNamespace } from "@cloudflare/workers-types";
import { createSystemEntropy } from "../system-clock.ts";
import { routeRequest } from "./route-request.ts";
import { parseEdgeSettings, textsOf } from "./settings.ts";
import { nameOfShard } from "./shard-objects.ts";
import { unavailable } from "./unavailable.ts";

const entropy = createSystemEntropy();

export const router = {
  async fetch(request: Request, env: { readonly SHARD: DurableObjectNamespace }): Promise<Response> {
    const settings = parseEdgeSettings(textsOf(env));
    // The object of that name is there for the log: it says what is wrong.
    const shards = settings.ok ? settings.value.shards : 1;
    try {
      const routed = await routeRequest(request, { shards, entropy });
      return await send(env.SHARD, routed.shard, routed.request);
    } catch {
      return unavailable();
    }
  },
};

/** Workers' own types of requests and answers are those of the platform. */
const send = (objects: DurableObjectNamespace, shard: number, request: Request): Promise<Response> =>
  objects.getByName(nameOfShard(shard)).fetch(request as never) as never;
