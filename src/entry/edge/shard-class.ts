/** The class that the runtime makes objects of. It only hands over: what an object does is in `shard-object.ts`. */
import { DurableObject } from "cloudflare:workers";
import type { ShardVerb } from "../../engines/durable-object/remote-shard.ts";
import type { PolicyFile } from "../../policy/parse/yaml-documents.ts";
import type { ShardEnv } from "./compose-in-object.ts";
import type { MetricsSnapshot } from "./edge-metrics.ts";
import { createShardObject, type ShardObject } from "./shard-object.ts";

/** `deployed` is the policy of this deployment. */
export const shardClass = (deployed: readonly PolicyFile[]) =>
  class extends DurableObject<ShardEnv> implements ShardObject {
    readonly #object = createShardObject(this.ctx, this.env, deployed);

    fetch(request: Request): Promise<Response> {
      return this.#object.fetch(request);
    }

    ask(verb: ShardVerb, args: readonly unknown[]): Promise<unknown> {
      return this.#object.ask(verb, args);
    }

    metrics(): Promise<MetricsSnapshot> {
      return this.#object.metrics();
    }

    alarm(): Promise<void> {
      return this.#object.alarm();
    }
  };
