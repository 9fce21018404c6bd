/** Opens the ledger that `--ledger` names, and refuses one whose seals the key ring cannot open. */
import { createHash } from "node:crypto";
import { createLocalWorkforce } from "../broker/kill/local-workforce.ts";
import { openSqliteLedger } from "../engines/node-sqlite/open.ts";
import { couldLoseOf } from "../engines/redis/connection/durability.ts";
import type { RedisPlace } from "../engines/redis/connection/ledger-url.ts";
import type { Clock } from "../kernel/clock.ts";
import { err, ok, type Result } from "../kernel/result.ts";
import type { Ledger } from "../ports/ledger.ts";
import type { CouldLose } from "../ports/ledger-views.ts";
import type { Log } from "../ports/log.ts";
import type { Workforce } from "../ports/workforce.ts";
import type { Sealer } from "../ports/sealer.ts";
import { demandOf } from "./accepted-loss.ts";
import type { ConfigFault, Environment, ServeOptions } from "./config.ts";
import { missingSealingKey } from "./missing-sealing-key.ts";
import { readAccess } from "./redis-access.ts";

type Choice = Pick<ServeOptions, "ledger" | "acceptedLoss" | "mode">;

interface Tools {
  readonly env: Environment;
  readonly clock: Clock;
  readonly log: Log;
  readonly onFatal: (reason: string) => void;
}

/** A ledger, and who does the killing that it orders. */
export interface Store {
  readonly ledger: Ledger;
  readonly workforce: Workforce;
  /** Left out: nothing that was answered. */
  readonly couldLose?: CouldLose;
}

export async function openStore(
  choice: Choice,
  tools: Tools & { readonly sealer: Sealer },
): Promise<Result<Store, ConfigFault>> {
  const { sealer } = tools;
  const opened =
    choice.ledger.kind === "sqlite"
      ? await openSqlite(choice.ledger.file, tools)
      : await openRedis(choice.ledger.place, choice, tools);
  if (!opened.ok) return opened;
  const { ledger } = opened.value;
  const lacking = missingSealingKey(await ledger.sealedKeyIds(), sealer.keyIds());
  if (lacking === null) return opened;
  await ledger.close();
  return err(lacking);
}

async function openSqlite(file: string, { clock, log, onFatal }: Tools): Promise<Result<Store, ConfigFault>> {
  const opened = await openSqliteLedger({ file, clock, log, onFatal });
  if (!opened.ok) return err({ setting, ...words(opened.fault) });
  await opened.value.releaseLostClaims();
  return ok({ ledger: opened.value, workforce: createLocalWorkforce() });
}

async function openRedis(place: RedisPlace, choice: Choice, tools: Tools): Promise<Result<Store, ConfigFault>> {
  const access = await readAccess(place, tools.env);
  if (!access.ok) return access;
  const { clock, log } = tools;
  // Loaded by those who use it: its clients take a third of a start.
  const { openRedisLedger } = await import("../engines/redis/open.ts");
  const opened = await openRedisLedger({ place, access: access.value, demand: demandOf(choice), clock, log, sha1 });
  if (!opened.ok) return err({ setting, ...words(opened.fault) });
  const { workforce, durability } = opened.value;
  const couldLose = couldLoseOf(durability);
  return ok({ ledger: opened.value, workforce, ...(couldLose !== null && { couldLose }) });
}

const setting = "--ledger";
const words = ({ message, fix }: { readonly message: string; readonly fix: string }) => ({ message, fix });

export const sha1 = (text: string): string => createHash("sha1").update(text).digest("hex");
