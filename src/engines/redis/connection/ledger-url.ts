/**
 * Where a Redis ledger is, from its URL: `redis[s]://[user[:password]@]host[:port][,host[:port]...][?...]`. No message
 * quotes what was given, because a misspelt URL may hold a password anywhere.
 */
import { Redacted } from "../../../kernel/redacted.ts";
import { err, ok, type Result } from "../../../kernel/result.ts";
import { homes } from "../../../kernel/ids.ts";

export interface RedisPlace {
  /** Of the servers, or of the Sentinels where one is named. */
  readonly hosts: readonly HostPort[];
  readonly tls: { readonly caFile: string | null } | null;
  readonly user: string | null;
  readonly password: Redacted | null;
  readonly passwordFile: string | null;
  /** The name that the Sentinels know the master by. */
  readonly sentinel: string | null;
  readonly prefix: string;
  /** Null takes what the store was made with, or the default for a new one. */
  readonly shards: number | null;
  /** How long audit entries are kept; null for the default. */
  readonly auditDays: number | null;
}

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

export interface UrlFault {
  readonly message: string;
  readonly fix: string;
}

export const defaultPrefix = "mayfly";
const defaultPort = 6379;
const defaultSentinelPort = 26_379;
const parameters = ["sentinel", "prefix", "shards", "audit_days", "ca", "password_file"] as const;
type Parameter = (typeof parameters)[number];

const urlPattern = /^(rediss?):\/\/(?:([^@/?#]*)@)?([^@/?#]*)(\/[^?#]*)?(?:\?([^#]*))?$/;
const example = "write redis://HOST:6379, or rediss://USER@HOST:6379?ca=FILE";

const refuse = (message: string, fix: string): Result<never, UrlFault> => err({ message, fix });

export function parseLedgerUrl(text: string): Result<RedisPlace, UrlFault> {
  const parts = urlPattern.exec(text);
  if (parts === null) return refuse("is not a Redis URL", `${example}; special characters of a password are %-encoded`);
  const [, scheme, account, authority = "", path = "", search = ""] = parts;
  if (path !== "" && path !== "/" && path !== "/0")
    return refuse(
      "names a database number",
      "leave it out; a ledger of its own is a prefix of its own: ?prefix=NAME (a cluster has one database only)",
    );
  const options = parseParameters(search);
  if (!options.ok) return options;
  const hosts = parseHosts(authority, options.value.sentinel === undefined ? defaultPort : defaultSentinelPort);
  if (!hosts.ok) return hosts;
  const who = parseAccount(account, options.value.password_file);
  if (!who.ok) return who;
  const tls = scheme === "rediss" ? { caFile: options.value.ca ?? null } : null;
  if (tls === null && options.value.ca !== undefined)
    return refuse("gives a CA without TLS", "write rediss:// for TLS, or leave ?ca= out");
  const rest = parseStore(options.value);
  return rest.ok ? ok({ hosts: hosts.value, tls, ...who.value, ...rest.value }) : rest;
}

type Given = { readonly [name in Parameter]?: string };

function parseParameters(search: string): Result<Given, UrlFault> {
  const given: { [name in Parameter]?: string } = {};
  for (const [name, value] of new URLSearchParams(search)) {
    const known = parameters.find((parameter) => parameter === name);
    if (known === undefined) return refuse("has an unknown parameter", `known are ${parameters.join(", ")}`);
    if (given[known] !== undefined) return refuse(`says ${known} twice`, "say it once");
    if (value === "") return refuse(`has an empty ${known}`, "give it a value, or leave it out");
    given[known] = value;
  }
  return ok(given);
}

function parseHosts(authority: string, port: number): Result<readonly HostPort[], UrlFault> {
  const hosts: HostPort[] = [];
  for (const text of authority.split(",")) {
    const parts = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?$/.exec(text);
    const given = parts?.[2] === undefined ? port : Number(parts[2]);
    if (parts?.[1] === undefined || given < 1 || given > 65_535)
      return refuse("has a host that is none", "write HOST:PORT, several with commas between them");
    hosts.push({ host: parts[1].replace(/^\[|\]$/g, ""), port: given });
  }
  return ok(hosts);
}

type Account = Pick<RedisPlace, "user" | "password" | "passwordFile">;

function parseAccount(account: string | undefined, file: string | undefined): Result<Account, UrlFault> {
  const colon = account?.indexOf(":") ?? -1;
  const user = decode(colon < 0 ? account : account?.slice(0, colon));
  const password = decode(colon < 0 ? undefined : account?.slice(colon + 1));
  if (user === null || password === null)
    return refuse("has a user or password that is not %-encoded", "write % as %25, @ as %40, : as %3A");
  if (password !== "" && file !== undefined)
    return refuse("gives a password and a password_file", "give one of them; the file is the safer one");
  return ok({
    user: user === "" ? null : user,
    password: password === "" ? null : new Redacted(password, "ledger password"),
    passwordFile: file ?? null,
  });
}

/** Null where it is not encoded well. */
function decode(text: string | undefined): string | null {
  try {
    return decodeURIComponent(text ?? "");
  } catch {
    return null;
  }
}

function parseStore(given: Given): Result<Pick<RedisPlace, "sentinel" | "prefix" | "shards" | "auditDays">, UrlFault> {
  const { sentinel = null, prefix = defaultPrefix, shards, audit_days: auditDays } = given;
  if (sentinel !== null && !/^[A-Za-z0-9._-]{1,64}$/.test(sentinel))
    return refuse("has a sentinel that is no name", "write the master's name as in sentinel.conf");
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(prefix))
    return refuse("has a prefix that is none", "use up to 32 of a-z, 0-9 and -, beginning with a letter");
  if (shards !== undefined && !(/^\d{1,4}$/.test(shards) && Number(shards) >= 1 && Number(shards) <= homes))
    return refuse("has a number of shards that is none", `use a whole number from 1 to ${homes}`);
  if (auditDays !== undefined && !(/^\d{1,4}$/.test(auditDays) && Number(auditDays) >= 1 && Number(auditDays) <= 3650))
    return refuse("has audit_days that are none", "use a whole number of days from 1 to 3650");
  return ok({ sentinel, prefix, shards: numberFrom(shards), auditDays: numberFrom(auditDays) });
}

const numberFrom = (text: string | undefined): number | null => (text === undefined ? null : Number(text));

/** For messages and logs: without user, password and files. */
export function describePlace({ hosts, tls, sentinel }: RedisPlace): string {
  const authority = hosts.map(({ host, port }) => `${host.includes(":") ? `[${host}]` : host}:${port}`).join(",");
  return `${tls === null ? "redis" : "rediss"}://${authority}${sentinel === null ? "" : `?sentinel=${sentinel}`}`;
}
