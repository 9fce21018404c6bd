/**
 * The settings of Workers that share a Redis with nodes: those of every object, and where the Redis is. Passwords are
 * secrets of the Worker, and nothing names a file, for there are none.
 */
import type { AcceptedLoss } from "../../engines/redis/connection/durability.ts";
import { parseLedgerUrl, type RedisPlace } from "../../engines/redis/connection/ledger-url.ts";
import type { Access } from "../../engines/redis/connection/node-client.ts";
import { Redacted } from "../../kernel/redacted.ts";
import { err, ok, type Result } from "../../kernel/result.ts";
import { parseAcceptLoss } from "../accepted-loss.ts";
import type { ConfigFault, Environment } from "../parse-setting.ts";
import { collectFaults, takeObjectSettings, type ObjectSettings } from "./settings.ts";

export interface GatewaySettings extends ObjectSettings {
  /** Objects that hold connections to the Redis. */
  readonly gateways: number;
  readonly redis: RedisSettings;
  /** How much of what was answered may be lost with a Redis server. */
  readonly acceptedLoss: AcceptedLoss;
}

export interface RedisSettings {
  readonly place: RedisPlace;
  readonly access: Access;
}

const mostGateways = 64;
const noHost: RedisPlace = {
  hosts: [],
  tls: null,
  user: null,
  password: null,
  passwordFile: null,
  sentinel: null,
  prefix: "",
  shards: null,
  auditDays: null,
};
const nowhere: RedisSettings = {
  place: noHost,
  access: { user: null, password: null, sentinelPassword: null, tls: null },
};

export function parseGatewaySettings(env: Environment): Result<GatewaySettings, readonly ConfigFault[]> {
  const { take, orFaults } = collectFaults();
  return orFaults({
    ...takeObjectSettings(env, take),
    gateways: take(parseGateways(env["MAYFLY_GATEWAYS"] ?? "1"), 1),
    redis: take(parseRedis(env), nowhere),
    acceptedLoss: take(parseAcceptLoss("MAYFLY_ACCEPT_LOSS", env["MAYFLY_ACCEPT_LOSS"]), null),
  });
}

function parseGateways(text: string): Result<number, ConfigFault> {
  const gateways = /^[0-9]{1,2}$/.test(text) ? Number(text) : 0;
  if (gateways >= 1 && gateways <= mostGateways) return ok(gateways);
  return err({
    setting: "MAYFLY_GATEWAYS",
    message: `"${text}" is not a number of gateways`,
    fix: `write a whole number from 1 to ${mostGateways}; each has its own connections to the Redis`,
  });
}

const setting = "MAYFLY_LEDGER";
const passwordSetting = "MAYFLY_LEDGER_PASSWORD";
const refuse = (message: string, fix: string): Result<never, ConfigFault> => err({ setting, message, fix });

function parseRedis(env: Environment): Result<RedisSettings, ConfigFault> {
  const text = env[setting] ?? "";
  if (text === "") return refuse("is missing", "set rediss://HOST:6379, the Redis that the nodes share");
  const parsed = parseLedgerUrl(text);
  if (!parsed.ok) return refuse(parsed.fault.message, parsed.fault.fix);
  const place = parsed.value;
  if (place.passwordFile !== null)
    return refuse("names a password file, and a Worker has none", `\`wrangler secret put ${passwordSetting}\``);
  if (place.tls !== null && place.tls.caFile !== null)
    return refuse("names a CA file, and a Worker has none", "give the server a certificate of a public CA");
  const password = place.password ?? secretOf(env, passwordSetting);
  if (place.user !== null && password === null)
    return refuse(`names the user ${place.user} without a password`, `\`wrangler secret put ${passwordSetting}\``);
  const tls = place.tls === null ? null : { ca: null };
  const sentinelPassword = secretOf(env, "MAYFLY_SENTINEL_PASSWORD");
  return ok({ place, access: { user: place.user, password, sentinelPassword, tls } });
}

function secretOf(env: Environment, name: string): Redacted | null {
  const text = env[name] ?? "";
  return text === "" ? null : new Redacted(text, name);
}
