/**
 * The settings of `mayfly serve`: flags first, then environment. Everything is checked before anything is opened, and
 * all faults are told at once. Secrets come by environment or file only, never as a flag.
 */
import { join, resolve } from "node:path";
import type { AcceptedLoss } from "../engines/redis/connection/durability.ts";
import { err, ok, type Result } from "../kernel/result.ts";
import { millis, type Millis } from "../kernel/time.ts";
import { parseAcceptLoss } from "./accepted-loss.ts";
import { parseLedger, type LedgerChoice } from "./ledger-choice.ts";
import { isTrue, parseIssuer, parseLogLevel } from "./parse-setting.ts";
import type { ConfigFault, Environment, LogLevel } from "./parse-setting.ts";

export type { ConfigFault, Environment } from "./parse-setting.ts";

/** What of the work a process takes: requests, kills, or both. */
export type Role = "all" | "api" | "worker";

export interface ServeOptions {
  readonly policyDir: string;
  readonly ledger: LedgerChoice;
  /** How much of what was answered may be lost with a Redis server. */
  readonly acceptedLoss: AcceptedLoss;
  readonly listen: Address;
  readonly adminListen: Address;
  /** The broker's own identifier (RFC 8414 `issuer`); null takes the address that was bound. */
  readonly issuerUrl: string | null;
  /** Where development keeps generated keys. */
  readonly dataDir: string;
  readonly mode: "production" | "development";
  readonly sealingKeys: KeyText;
  readonly signingKeys: KeyText;
  readonly logLevel: LogLevel;
  /** How long a stop waits for credentials that are being minted. */
  readonly stopTimeout: Millis;
  readonly role: Role;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Where a key ring's text comes from. */
export type KeyText =
  | { readonly kind: "env"; readonly name: string }
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "none" };

/** As commander hands them over; a missing member falls back to its environment variable, then to the default. */
export interface ServeFlags {
  readonly policy?: string | undefined;
  readonly ledger?: string | undefined;
  readonly acceptLoss?: string | undefined;
  readonly listen?: string | undefined;
  readonly adminListen?: string | undefined;
  readonly issuer?: string | undefined;
  readonly data?: string | undefined;
  readonly development?: boolean | undefined;
  readonly logLevel?: string | undefined;
  readonly stopTimeout?: string | undefined;
  readonly role?: string | undefined;
}

export function parseServeOptions(flags: ServeFlags, env: Environment): Result<ServeOptions, readonly ConfigFault[]> {
  const faults: ConfigFault[] = [];
  const take = <T>(parsed: Result<T, ConfigFault>, otherwise: T): T => {
    if (parsed.ok) return parsed.value;
    faults.push(parsed.fault);
    return otherwise;
  };
  const mode = (flags.development ?? isTrue(env["MAYFLY_DEVELOPMENT"])) ? "development" : "production";
  const dataDir = resolve(flags.data ?? env["MAYFLY_DATA"] ?? "mayfly-data");
  const ledger = flags.ledger ?? env["MAYFLY_LEDGER"] ?? `sqlite:${join(dataDir, "ledger.db")}`;
  const issuer = flags.issuer ?? env["MAYFLY_ISSUER"] ?? "";
  const nowhere: Address = { host: "127.0.0.1", port: 0 };
  const options: ServeOptions = {
    policyDir: resolve(take(required("--policy", flags.policy ?? env["MAYFLY_POLICY"], "--policy ./policy"), ".")),
    ledger: take(parseLedger(ledger, flags.ledger === undefined ? "environment" : "flag"), {
      kind: "sqlite",
      file: "",
    }),
    acceptedLoss: take(parseAcceptLoss("--accept-loss", flags.acceptLoss ?? env["MAYFLY_ACCEPT_LOSS"]), null),
    listen: take(parseAddress("--listen", flags.listen ?? env["MAYFLY_LISTEN"] ?? "127.0.0.1:8080"), nowhere),
    adminListen: take(
      parseAddress("--admin-listen", flags.adminListen ?? env["MAYFLY_ADMIN_LISTEN"] ?? "127.0.0.1:8081"),
      nowhere,
    ),
    issuerUrl: take(parseOptionalIssuer(issuer, mode), null),
    dataDir,
    mode,
    sealingKeys: keyText("MAYFLY_SEALING_KEYS", env),
    signingKeys: keyText("MAYFLY_SIGNING_KEYS", env),
    logLevel: take(parseLogLevel("--log-level", flags.logLevel ?? env["MAYFLY_LOG_LEVEL"] ?? "info"), "info"),
    role: take(parseRole(flags.role ?? env["MAYFLY_ROLE"] ?? "all"), "all"),
    stopTimeout: take(parseStopTimeout(flags.stopTimeout ?? env["MAYFLY_STOP_TIMEOUT"] ?? "20s"), millis(0)),
  };
  if (options.role !== "all" && options.ledger.kind === "sqlite") faults.push(roleNeedsRedis);
  if (mode === "production") faults.push(...productionFaults(options, issuer));
  return faults.length === 0 ? ok(options) : err(faults);
}

const roles = ["all", "api", "worker"] as const;

function parseRole(text: string): Result<Role, ConfigFault> {
  const role = roles.find((known) => known === text);
  if (role !== undefined) return ok(role);
  return err({ setting: "--role", message: "is none of api, worker and all", fix: "leave it out for all" });
}

const roleNeedsRedis: ConfigFault = {
  setting: "--role",
  message: "shares the work among processes, which a SQLite ledger cannot",
  fix: "leave it out, or give --ledger redis://HOST",
};

function required(setting: string, value: string | undefined, example: string): Result<string, ConfigFault> {
  if (value !== undefined && value !== "") return ok(value);
  return err({ setting, message: "is missing", fix: `give ${example} or set ${environmentName(setting)}` });
}

export const environmentName = (setting: string): string =>
  `MAYFLY_${setting.replace(/^--/, "").replaceAll("-", "_").toUpperCase()}`;

function parseAddress(setting: string, text: string): Result<Address, ConfigFault> {
  const parts = /^(\[[0-9a-fA-F:]+\]|[^:\s]+):(\d{1,5})$/.exec(text);
  const port = Number(parts?.[2]);
  if (parts?.[1] !== undefined && port <= 65_535) return ok({ host: parts[1].replace(/^\[|\]$/g, ""), port });
  return err({
    setting,
    message: `"${text}" is not an address`,
    fix: "write HOST:PORT, as in 127.0.0.1:8080; port 0 takes a free one",
  });
}

const parseOptionalIssuer = (text: string, mode: ServeOptions["mode"]): Result<string | null, ConfigFault> =>
  text === "" ? ok(null) : parseIssuer({ setting: "--issuer", text, mode, developmentSetting: "--development" });

/** A mint may take 15 s and the proof that it worked 5; more is for nothing, and supervisors lose patience. */
function parseStopTimeout(text: string): Result<Millis, ConfigFault> {
  const found = /^([0-9]{1,3})s?$/.exec(text);
  if (found !== null && Number(found[1]) <= longestStopSeconds) return ok(millis(Number(found[1]) * 1000));
  return err({
    setting: "--stop-timeout",
    message: `"${text}" is not a time that a stop may take`,
    fix: `write whole seconds up to ${longestStopSeconds}, as in --stop-timeout 20s`,
  });
}
const longestStopSeconds = 300;

function keyText(name: string, env: Environment): KeyText {
  if (env[name] !== undefined && env[name] !== "") return { kind: "env", name };
  const path = env[`${name}_FILE`];
  return path === undefined || path === "" ? { kind: "none" } : { kind: "file", path: resolve(path) };
}

/** What would be convenient and wrong. */
function productionFaults(options: ServeOptions, issuer: string): ConfigFault[] {
  const faults: ConfigFault[] = [];
  const noKeys = "set NAME to the key ring's JSON, or NAME_FILE to its file; `mayfly keys generate` makes a first one";
  if (options.sealingKeys.kind === "none") {
    faults.push({
      setting: "MAYFLY_SEALING_KEYS",
      message: "is missing",
      fix: noKeys.replaceAll("NAME", "MAYFLY_SEALING_KEYS"),
    });
  }
  if (options.signingKeys.kind === "none") {
    faults.push({
      setting: "MAYFLY_SIGNING_KEYS",
      message: "is missing",
      fix: noKeys.replaceAll("NAME", "MAYFLY_SIGNING_KEYS"),
    });
  }
  if (issuer === "") {
    faults.push({
      setting: "--issuer",
      message: "is missing",
      fix: "give the https URL under which agents reach this broker",
    });
  }
  return faults;
}
