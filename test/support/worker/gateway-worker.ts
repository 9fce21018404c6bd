/** The Worker on a shared Redis as it is deployed, with the policy of a test in place of one that was bundled. */
import { env } from "cloudflare:workers";
import { gatewayClass } from "../../../src/entry/edge/gateway-class.ts";
import { gatewayRouter } from "../../../src/entry/edge/gateway-objects.ts";
import type { PolicyFile } from "../../../src/policy/parse/yaml-documents.ts";

const files = JSON.parse(String(env["TEST_POLICY"])) as readonly PolicyFile[];

export class Gateway extends gatewayClass(files) {}
export default gatewayRouter;
