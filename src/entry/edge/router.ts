/** The Worker itself: passes each request to the object that it is for, and answers for one that cannot be reached. */
import type { DurableObjectNamespace } from "@cloudflare/workers-types";
import { createSystemEntropy } from "../system-clock.ts";
import type { ObjectNames } from "./object-names.ts";
import { routeRequest } from "./route-request.ts";
import { parseEdgeSettings, textsOf } from "./settings.ts";
import { shardNames } from "./shard-objects.ts";
import { unavailable } from "./unavailable.ts";

/** The objects that are brokers, and how many there are. */
export interface Brokers {
  readonly objects: DurableObjectNamespace;
  readonly count: number;
  readonly names: ObjectNames;
}

const entropy = createSystemEntropy();

export const createRouter = <Env>(brokersOf: (env: Env) => Brokers) => ({
  async fetch(request: Request, env: Env): Promise<Response> {
    const { objects, count, names } = brokersOf(env);
    try {
      const routed = await routeRequest(request, { shards: count, entropy });
      return await send(objects, names.nameOf(routed.shard), routed.request);
    } catch {
      return unavailable();
    }
  },
});

/** Workers' own types of requests and answers are those of the platform. */
const send = (objects: DurableObjectNamespace, name: string, request: Request): Promise<Response> =>
  objects.getByName(name).fetch(request as never) as never;

export const router = createRouter((env: { readonly SHARD: DurableObjectNamespace }) => {
  const settings = parseEdgeSettings(textsOf(env));
  // The object of that name is there for the log: it says what is wrong.
  return { objects: env.SHARD, count: settings.ok ? settings.value.shards : 1, names: shardNames };
});
