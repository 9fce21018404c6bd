/** The Worker with Durable Objects: a router, and objects that are brokers. No Redis, no other server. */
import deployed from "#policy";
import { shardClass } from "./edge/shard-class.ts";
import { router } from "./edge/router.ts";

export class Shard extends shardClass(deployed) {}
export default router;
