/** The Worker on a shared Redis: a router, and objects that are brokers on it. Nodes on the same Redis do the killing. */
import deployed from "#policy";
import { gatewayClass } from "./edge/gateway-class.ts";
import { gatewayRouter } from "./edge/gateway-objects.ts";

export class Gateway extends gatewayClass(deployed) {}
export default gatewayRouter;
