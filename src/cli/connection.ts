/**
 * Which broker a command talks to. The attestation and the credential travel on this connection, so plain HTTP is
 * refused unless it stays on this machine or the caller accepts it by name.
 */
import { ok, type Result } from "../kernel/result.ts";
import { misused, type Problem } from "./problem.ts";
import type { Shell } from "./shell.ts";

export type Listener = "public" | "admin";

export interface ConnectionFlags {
  readonly url?: string;
  readonly adminUrl?: string;
  readonly allowPlainHttp?: boolean;
}

const settings = {
  public: { flag: "--url", environment: "MAYFLY_URL", fallback: "http://127.0.0.1:8080" },
  admin: { flag: "--admin-url", environment: "MAYFLY_ADMIN_URL", fallback: "http://127.0.0.1:8081" },
} as const;

export const settingOf = (listener: Listener): string =>
  `${settings[listener].flag} or ${settings[listener].environment}`;

/** Without a slash at its end. */
export function baseUrl(shell: Shell, flags: ConnectionFlags, listener: Listener): Result<string, Problem> {
  const { flag, environment, fallback } = settings[listener];
  const given = listener === "public" ? flags.url : flags.adminUrl;
  const fromEnvironment = shell.env[environment] === "" ? undefined : shell.env[environment];
  const text = given ?? fromEnvironment ?? fallback;
  const source = given === undefined ? environment : flag;
  const example = `write it as in ${flag} ${listener === "public" ? "https://broker.example" : fallback}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) return misused(`${source} is not an http(s) URL`, example);
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "")
    return misused(`${source} holds more than an address`, `leave out user, query and fragment; ${example}`);
  const accepted = flags.allowPlainHttp === true || shell.env["MAYFLY_ALLOW_PLAIN_HTTP"] === "1";
  if (url.protocol === "http:" && !isLoopback(url.hostname) && !accepted) {
    return misused(
      `${source} would send the attestation over plain http to ${url.hostname}`,
      "use https; on a network that you trust as much as TLS, add --allow-plain-http",
    );
  }
  return ok(url.href.replace(/\/+$/, ""));
}

const isLoopback = (hostname: string): boolean =>
  hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
