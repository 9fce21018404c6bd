/** Which ledger `--ledger` names. A password is accepted from the environment only: a flag can be read by every user. */
import { isAbsolute, resolve } from "node:path";
import { parseLedgerUrl, type RedisPlace } from "../engines/redis/connection/ledger-url.ts";
import { err, ok, type Result } from "../kernel/result.ts";
import type { ConfigFault } from "./config.ts";

export type LedgerChoice =
  | { readonly kind: "sqlite"; readonly file: string }
  | { readonly kind: "redis"; readonly place: RedisPlace };

const setting = "--ledger";
const refuse = (message: string, fix: string): Result<never, ConfigFault> => err({ setting, message, fix });

export function parseLedger(text: string, from: "flag" | "environment"): Result<LedgerChoice, ConfigFault> {
  if (/^rediss?:/.test(text)) return parseRedis(text, from);
  const file = text.startsWith("sqlite:") ? text.slice("sqlite:".length) : "";
  if (file !== "" && !file.startsWith("//"))
    return ok({ kind: "sqlite", file: isAbsolute(file) ? file : resolve(file) });
  return refuse(
    "is not a ledger that this release knows",
    "write sqlite:FILE, as in --ledger sqlite:./mayfly.db, or redis://HOST:6379",
  );
}

function parseRedis(text: string, from: "flag" | "environment"): Result<LedgerChoice, ConfigFault> {
  const place = parseLedgerUrl(text);
  if (!place.ok) return refuse(place.fault.message, place.fault.fix);
  if (place.value.password !== null && from === "flag")
    return refuse(
      "holds a password, which every user of this machine can read",
      "give it as MAYFLY_LEDGER_PASSWORD, MAYFLY_LEDGER_PASSWORD_FILE or ?password_file=, or the whole URL as MAYFLY_LEDGER",
    );
  return ok({ kind: "redis", place: place.value });
}

/** For what works on the file of a ledger. */
export function parseLedgerFile(text: string): Result<string, ConfigFault> {
  const choice = parseLedger(text, "environment");
  if (!choice.ok) return choice;
  if (choice.value.kind === "sqlite") return ok(choice.value.file);
  return refuse(
    "is a Redis server, which has copies of its own",
    "copy its append-only files and snapshots as the Redis documentation says",
  );
}
