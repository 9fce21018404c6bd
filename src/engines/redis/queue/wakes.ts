/** How a process learns of what is due, and has it done: what comes with a ledger that others share. */
import type { Clock } from "../../../kernel/clock.ts";
import type { Log } from "../../../ports/log.ts";
import type { Workforce } from "../../../ports/workforce.ts";
import type { Connection } from "../connection/connect.ts";
import type { Access } from "../connection/node-client.ts";
import type { Shape } from "../connection/topology.ts";
import type { ShardCalls } from "../shard-calls.ts";

export interface Wakes {
  readonly workforce: Workforce;
  close(): Promise<void>;
}

export interface WakesParts {
  readonly calls: ShardCalls;
  readonly connection: Pick<Connection, "publish">;
  readonly shape: Shape;
  readonly access: Access;
  readonly prefix: string;
  readonly clock: Clock;
  readonly log: Log;
}
