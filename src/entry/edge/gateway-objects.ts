/** The objects that hold connections to the Redis: any of them could answer any request. */
import type { DurableObjectNamespace } from "@cloudflare/workers-types";
import { parseGatewaySettings } from "./gateway-settings.ts";
import { objectNames } from "./object-names.ts";
import type { PolicyEnv } from "./object-policy.ts";
import { createRouter } from "./router.ts";
import { textsOf } from "./settings.ts";

/** The bindings of the Worker beside its variables and secrets. */
export interface GatewayEnv extends PolicyEnv {
  readonly GATEWAY: DurableObjectNamespace;
}

export const gatewayNames = objectNames("gateway-");

/** What concerns a task goes to one gateway, so that what happens to it at once is put in order there. */
export const gatewayRouter = createRouter((env: GatewayEnv) => {
  const settings = parseGatewaySettings(textsOf(env));
  // The object of that name is there for the log: it says what is wrong.
  const count = settings.ok ? settings.value.gateways : 1;
  return { objects: env.GATEWAY, count, names: gatewayNames };
});
