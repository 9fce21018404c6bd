/** The Worker as it is deployed, with the policy of a test in place of one that was bundled. */
import { env } from "cloudflare:workers";
import { router } from "../../../src/entry/edge/router.ts";
import { shardClass } from "../../../src/entry/edge/shard-class.ts";
import type { PolicyFile } from "../../../src/policy/parse/yaml-documents.ts";

const files = JSON.parse(String(env["TEST_POLICY"])) as readonly PolicyFile[];

/** Prints whenever its alarm wakes it. */
export class Shard extends shardClass(files) {
  override alarm(): Promise<void> {
    console.log(`alarm of ${this.ctx.id.name}`);
    return super.alarm();
  }
}
export default router;
