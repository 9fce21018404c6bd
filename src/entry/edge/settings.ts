/**
 * The settings of the broker on Workers: variables and secrets of the Worker, under the names that `mayfly serve` reads
 * from its environment. All faults are told at once.
 */
import { homes } from "../../kernel/ids.ts";
import { err, ok, type Result } from "../../kernel/result.ts";
import { isTrue, parseIssuer, parseLogLevel } from "../parse-setting.ts";
import type { ConfigFault, Environment, LogLevel } from "../parse-setting.ts";

/** Whatever its objects hold. */
export interface ObjectSettings {
  /** The broker's own identifier (RFC 8414 `issuer`): an object cannot know under which name it is reached. */
  readonly issuerUrl: string;
  readonly mode: "production" | "development";
  /** Requests to this host go to the operators' app; null: there is none to be reached. */
  readonly adminHost: string | null;
  readonly logLevel: LogLevel;
}

export interface EdgeSettings extends ObjectSettings {
  /** Objects that share the task trees. */
  readonly shards: number;
}

/** What is text among the bindings of a Worker: its variables and its secrets. */
export const textsOf = (bindings: object): Environment =>
  Object.fromEntries(
    Object.entries(bindings).flatMap(([name, value]: [string, unknown]) =>
      typeof value === "string" ? [[name, value]] : [],
    ),
  );

export function parseEdgeSettings(env: Environment): Result<EdgeSettings, readonly ConfigFault[]> {
  const { take, orFaults } = collectFaults();
  return orFaults({
    ...takeObjectSettings(env, take),
    shards: take(parseShards(env["MAYFLY_SHARDS"] ?? "1"), 1),
  });
}

type Take = <T>(parsed: Result<T, ConfigFault>, otherwise: T) => T;

/** `take` goes on with something else after a fault, so that the next one is told, too. */
export function collectFaults(): {
  readonly take: Take;
  readonly orFaults: <T>(settings: T) => Result<T, readonly ConfigFault[]>;
} {
  const faults: ConfigFault[] = [];
  return {
    take(parsed, otherwise) {
      if (parsed.ok) return parsed.value;
      faults.push(parsed.fault);
      return otherwise;
    },
    orFaults: (settings) => (faults.length === 0 ? ok(settings) : err(faults)),
  };
}

export function takeObjectSettings(env: Environment, take: Take): ObjectSettings {
  const mode = isTrue(env["MAYFLY_DEVELOPMENT"]) ? "development" : "production";
  const issuerUrl = take(parseOwnIssuer(env["MAYFLY_ISSUER"] ?? "", mode), "");
  return {
    issuerUrl,
    mode,
    adminHost: take(parseAdminHost(env["MAYFLY_ADMIN_HOST"] ?? "", issuerUrl), null),
    logLevel: take(parseLogLevel("MAYFLY_LOG_LEVEL", env["MAYFLY_LOG_LEVEL"] ?? "info"), "info"),
  };
}

function parseOwnIssuer(text: string, mode: EdgeSettings["mode"]): Result<string, ConfigFault> {
  const setting = "MAYFLY_ISSUER";
  if (text !== "") return parseIssuer({ setting, text, mode, developmentSetting: "MAYFLY_DEVELOPMENT=1" });
  return err({ setting, message: "is missing", fix: "set the https URL under which agents reach this broker" });
}

/** More objects than homes would leave some without any. */
function parseShards(text: string): Result<number, ConfigFault> {
  const shards = /^[0-9]{1,4}$/.test(text) ? Number(text) : 0;
  if (shards >= 1 && shards <= homes) return ok(shards);
  return err({
    setting: "MAYFLY_SHARDS",
    message: `"${text}" is not a number of shards`,
    fix: `write a whole number from 1 to ${homes}, and never change it once the ledger holds something`,
  });
}

/** A host alone, as a request names it. The operators' app must not answer under the name that agents use. */
function parseAdminHost(text: string, issuerUrl: string): Result<string | null, ConfigFault> {
  if (text === "") return ok(null);
  const setting = "MAYFLY_ADMIN_HOST";
  const url = URL.canParse(`https://${text}`) ? new URL(`https://${text}`) : undefined;
  if (url === undefined || url.host !== text) {
    const fix = "write HOST or HOST:PORT in lower case, as in admin.broker.example";
    return err({ setting, message: `"${text}" is not a host`, fix });
  }
  if (issuerUrl !== "" && new URL(issuerUrl).host === text) {
    const fix = "give operators a host of their own, and let only them reach it";
    return err({ setting, message: "is the host of MAYFLY_ISSUER", fix });
  }
  return ok(text);
}
