/** The class that the runtime makes gateways of. It only hands over: what one does is in `gateway-object.ts`. */
import { DurableObject } from "cloudflare:workers";
import type { PolicyFile } from "../../policy/parse/yaml-documents.ts";
import type { MetricsSnapshot } from "./edge-metrics.ts";
import { createGatewayObject, type Gateway } from "./gateway-object.ts";
import type { GatewayEnv } from "./gateway-objects.ts";

/** `deployed` is the policy of this deployment. */
export const gatewayClass = (deployed: readonly PolicyFile[]) =>
  class extends DurableObject<GatewayEnv> implements Gateway {
    readonly #object = createGatewayObject(this.ctx, this.env, deployed);

    fetch(request: Request): Promise<Response> {
      return this.#object.fetch(request);
    }

    metrics(): Promise<MetricsSnapshot> {
      return this.#object.metrics();
    }
  };
