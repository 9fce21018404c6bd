/** `mayfly restore` with the real clock: the engines do the work. A SQLite ledger keeps what it replaces. */
import type { OpenFault } from "../engines/node-sqlite/open-fault.ts";
import { restoreSqliteLedger, type Restored } from "../engines/node-sqlite/restore.ts";
import { parseLedgerUrl } from "../engines/redis/connection/ledger-url.ts";
import type { RestoreEnd, RestoreOptions } from "../engines/redis/restore.ts";
import { err, type Result } from "../kernel/result.ts";
import type { Log } from "../ports/log.ts";
import type { Environment } from "./config.ts";
import { systemClock } from "./system-clock.ts";
import { sha1 } from "./open-store.ts";
import { readAccess } from "./redis-access.ts";

export const restoreLedger = (from: string, to: string): Result<Restored, OpenFault> =>
  restoreSqliteLedger({ from, to, clock: systemClock });

/** The data was put back already; this ends what it holds. */
export async function restoreRedis(
  url: string,
  env: Environment,
  confirm: RestoreOptions["confirm"],
): Promise<Result<RestoreEnd, { readonly message: string; readonly fix: string }>> {
  const place = parseLedgerUrl(url);
  if (!place.ok) return place;
  const access = await readAccess(place.value, env);
  if (!access.ok) {
    const { setting, message, fix } = access.fault;
    return err({ message: `${setting} ${message}`, fix });
  }
  const { restoreRedisStore } = await import("../engines/redis/restore.ts");
  return restoreRedisStore({
    place: place.value,
    access: access.value,
    clock: systemClock,
    log: silent,
    sha1,
    confirm,
  });
}

/** What fails is told as the command's own problem. */
const silent: Log = { info() {}, warn() {}, error() {} };
