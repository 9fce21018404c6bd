/**
 * Options of the `vault` provider: where the server is, how the broker logs in, and through which token role it makes
 * the tokens of tasks. Secrets are references; whether the broker may list is the operator's word, and `check` asks.
 */
import type { ScopeFault } from "../../src/domain/scope-template.ts";
import type { JsonObject } from "../../src/kernel/canonical-json.ts";
import type { Result } from "../../src/kernel/result.ts";
import { seconds, type Seconds } from "../../src/kernel/time.ts";
import { unreachable } from "../../src/kernel/unreachable.ts";
import { readMembers, type Members } from "../shared/members.ts";
import { isFixedPath } from "./path-template.ts";

export interface VaultOptions {
  readonly address: string;
  readonly namespace: string | undefined;
  readonly login: LoginOptions;
  /** The token role of `auth/token/create/<role>`. */
  readonly tokenRole: string;
  /** The broker may list accessors and leases: then nothing that it made can hide. */
  readonly listing: boolean;
  readonly maxTtlSeconds: Seconds;
  /** How long the server goes on with a request that nobody waits for any more. */
  readonly maxRequestSeconds: Seconds;
}

export type LoginOptions =
  | { readonly method: "token"; readonly token: JsonObject }
  | { readonly method: "approle"; readonly mount: string; readonly roleId: string; readonly secretId: JsonObject }
  /** Without a token from elsewhere the broker signs one itself, for that audience. */
  | {
      readonly method: "jwt";
      readonly mount: string;
      readonly role: string;
      readonly jwt: JsonObject | undefined;
      readonly audience: string;
    }
  | { readonly method: "kubernetes"; readonly mount: string; readonly role: string; readonly jwt: JsonObject };

const methods = ["approle", "jwt", "kubernetes", "token"] as const;
const defaultMaxTtlSeconds = 3600;
/** Of Vault and OpenBao, `default_max_request_duration`. */
const defaultMaxRequestSeconds = 90;
const longestTtlSeconds = 32 * 24 * 3600;
const serviceAccountToken = { file: "/var/run/secrets/kubernetes.io/serviceaccount/token" };

export function parseVaultOptions(options: JsonObject): Result<VaultOptions, ScopeFault> {
  const members = readMembers(options);
  const address = members.url("address") ?? members.refuse("address", "is the server's URL; it must be there");
  const namespace = pathMember(members, "namespace");
  const login = parseLogin(members);
  const tokenRole = members.text("tokenRole") ?? "mayfly";
  if (!/^[A-Za-z0-9_-]{1,128}$/.test(tokenRole)) members.refuse("tokenRole", "may hold only letters, digits, _ and -");
  const listing = members.flag("listing") ?? false;
  const maxTtlSeconds = members.whole("maxTtlSeconds", { min: 1, max: longestTtlSeconds }) ?? defaultMaxTtlSeconds;
  const maxRequestSeconds = members.whole("maxRequestSeconds", { min: 1, max: 3600 }) ?? defaultMaxRequestSeconds;
  return members.done(() => ({
    address: address ?? "",
    namespace,
    login: login ?? { method: "token", token: {} },
    tokenRole,
    listing,
    maxTtlSeconds: seconds(maxTtlSeconds),
    maxRequestSeconds: seconds(maxRequestSeconds),
  }));
}

function parseLogin(members: Members): LoginOptions | undefined {
  const method = members.oneOf("auth", methods) ?? members.refuse("auth", `must be one of ${methods.join(", ")}`);
  const mount = pathMember(members, "authMount");
  const token = members.secretReference("token");
  const roleId = members.text("roleId");
  const secretId = members.secretReference("secretId");
  const role = members.text("authRole");
  const jwt = members.secretReference("jwt");
  const audience = members.text("jwtAudience");
  if (method === undefined) return undefined;
  const given = { token, roleId, secretId, authRole: role, jwt, jwtAudience: audience, authMount: mount };
  const { needs, takes } = membersOfMethod[method];
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined && needs.includes(name)) members.refuse(name, `must be there with auth: ${method}`);
    if (value !== undefined && !needs.includes(name) && !takes.includes(name))
      members.refuse(name, `is not used with auth: ${method}`);
  }
  if (jwt !== undefined && audience !== undefined)
    members.refuse("jwtAudience", "is for a token that the broker signs itself");
  switch (method) {
    case "token":
      return { method, token: token ?? {} };
    case "approle":
      return { method, mount: mount ?? method, roleId: roleId ?? "", secretId: secretId ?? {} };
    case "jwt":
      return { method, mount: mount ?? method, role: role ?? "", jwt, audience: audience ?? "vault" };
    case "kubernetes":
      return { method, mount: mount ?? method, role: role ?? "", jwt: jwt ?? serviceAccountToken };
    default:
      return unreachable(method);
  }
}

const membersOfMethod: Readonly<
  Record<(typeof methods)[number], { needs: readonly string[]; takes: readonly string[] }>
> = {
  token: { needs: ["token"], takes: [] },
  approle: { needs: ["roleId", "secretId"], takes: ["authMount"] },
  jwt: { needs: ["authRole"], takes: ["jwt", "jwtAudience", "authMount"] },
  kubernetes: { needs: ["authRole"], takes: ["jwt", "authMount"] },
};

function pathMember(members: Members, name: string): string | undefined {
  const text = members.text(name);
  if (text === undefined || isFixedPath(text)) return text;
  return members.refuse(name, "must be a path of letters, digits, _, - and dots, without a slash at its ends");
}
