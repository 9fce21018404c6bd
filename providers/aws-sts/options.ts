/**
 * Options of the `aws-sts` provider. One provider is one AWS account, because IAM changes only roles of the account
 * whose credentials ask. What AWS alone knows must be said here, as policy decides by it at load; `check` compares.
 */
import type { ScopeFault } from "../../src/domain/scope-template.ts";
import type { Json, JsonObject } from "../../src/kernel/canonical-json.ts";
import { err, type Result } from "../../src/kernel/result.ts";
import { millis, seconds, type Millis, type Seconds } from "../../src/kernel/time.ts";
import { readMembers, type Members } from "../shared/members.ts";
import { maxDeniable, maxOverflow } from "./deny-document.ts";
import { endpointsOf, type Endpoints } from "./endpoints.ts";
import { parseRole, type Role } from "./role.ts";

export interface AwsStsOptions {
  readonly region: string;
  readonly endpoints: Endpoints;
  /** All that templates may name. */
  readonly roles: readonly Role[];
  readonly externalId: string | undefined;
  /** Who asks for sessions; `broker_token` is AssumeRoleWithWebIdentity with the broker as issuer, without any AWS key. */
  readonly minter: Login;
  /** Who writes denials. */
  readonly revoker: Login;
  /** What the role's trust policy pins of the broker's own tokens. */
  readonly brokerToken: { readonly audience: string; readonly subject: string };
  /** Session tags and source identity name task and lease in CloudTrail; the trust policy must allow them. */
  readonly tags: boolean;
  readonly sourceIdentity: boolean;
  /** The roles' MaxSessionDuration; at most an hour where the broker's own credential is an assumed role. */
  readonly maxSessionSeconds: Seconds;
  /** How long IAM may need until a denial holds everywhere. */
  readonly settleSeconds: Seconds;
  /** Leases of one role that can be denied at a time, dead ones counted until they would have ended by themselves. */
  readonly maxSessions: number;
  /** ARN of the managed policy of each role that takes what its inline room does not; `{role}` is the role's name. */
  readonly overflowPolicy: string | undefined;
  /** What is left when a role has no room: refuse to mint more, or cut off all of its older sessions. */
  readonly overflow: "refuse" | "cutoff";
  /** Between the starts of two writes of one role's policy. */
  readonly writeInterval: Millis;
  readonly probe: S3Probe | undefined;
}

export type Login =
  | {
      readonly kind: "keys";
      readonly accessKeyId: Json;
      readonly secretAccessKey: Json;
      readonly sessionToken: Json | null;
    }
  /** A workload token of the platform, exchanged for a session of `role`. */
  | { readonly kind: "token_file"; readonly role: string; readonly file: Json }
  /** The broker's own signature: to mint, for the very role; to revoke, for a role that may write policies. */
  | { readonly kind: "broker_token"; readonly role: string | null };

/** An object that every session of the provider's templates may read. */
export interface S3Probe {
  readonly bucket: string;
  readonly key: string;
  readonly endpoint: string;
}

/** Of a session that a role asks for: role chaining. */
export const chainedSeconds = 3600;
const longestSessionSeconds = 43_200;
const maxRoles = 32;

export function parseAwsStsOptions(options: JsonObject): Result<AwsStsOptions, ScopeFault> {
  const { minter: rawMinter = null, revoker: rawRevoker = null, probe: rawProbe = null, ...rest } = options;
  const members = readMembers(rest);
  const region = members.text("region") ?? members.refuse("region", "is the AWS region of STS, as eu-central-1") ?? "";
  const endpoints = endpointsOf(region, { sts: members.url("stsEndpoint"), iam: members.url("iamEndpoint") });
  if (endpoints === undefined) members.refuse("region", "is none that is known; set stsEndpoint and iamEndpoint too");
  const roles = parseRoles(members);
  const overflowPolicy = parseOverflowPolicy(members, roles);
  const max = maxDeniable + (overflowPolicy === undefined ? 0 : maxOverflow);
  const parsed = {
    roles,
    overflowPolicy,
    externalId: parseExternalId(members),
    brokerToken: {
      audience: members.text("tokenAudience") ?? "sts.amazonaws.com",
      subject: members.text("tokenSubject") ?? "mayfly",
    },
    tags: members.flag("tags") ?? false,
    sourceIdentity: members.flag("sourceIdentity") ?? false,
    maxSessionSeconds: seconds(members.whole("maxSessionSeconds", { min: 900, max: longestSessionSeconds }) ?? 3600),
    settleSeconds: seconds(members.whole("settleSeconds", { min: 0, max: 600 }) ?? 60),
    maxSessions: members.whole("maxSessions", { min: 1, max }) ?? 200,
    writeInterval: millis(members.whole("writeIntervalMillis", { min: 0, max: 10_000 }) ?? 500),
    overflow: members.oneOf("overflow", ["refuse", "cutoff"]) ?? "refuse",
  };
  const minter = nested(members, "minter", parseLogin(rawMinter, "mint"));
  const revoker = nested(members, "revoker", parseLogin(rawRevoker, "revoke"));
  if (minter?.kind === "token_file" && parsed.maxSessionSeconds > chainedSeconds)
    members.refuse(
      "maxSessionSeconds",
      "must be at most 3600: the minter is a role itself, which AWS gives no longer sessions",
    );
  const probe = rawProbe === null ? undefined : nested(members, "probe", parseProbe(rawProbe, region));
  return members.done(() => ({
    region,
    endpoints: endpoints ?? { sts: "", iam: "", iamRegion: region },
    ...parsed,
    minter: minter ?? brokerToken,
    revoker: revoker ?? brokerToken,
    probe,
  }));
}

const brokerToken: Login = { kind: "broker_token", role: null };

function parseRoles(members: Members): readonly Role[] {
  const arns = members.texts("roles") ?? members.refuse("roles", "must list the roles that templates may name") ?? [];
  if (arns.length > maxRoles) members.refuse("roles", `must be at most ${maxRoles}`);
  const roles = arns.flatMap((arn, index) => {
    const role = parseRole(arn);
    if (!role.ok) members.refuse(`roles.${index}`, role.fault);
    return role.ok ? [role.value] : [];
  });
  if (new Set(roles.map(({ account }) => account)).size > 1)
    members.refuse("roles", "must be of one account; make a Provider of each account");
  if (new Set(roles.map(({ name }) => name)).size < roles.length) members.refuse("roles", "must have different names");
  return roles;
}

const policyArn =
  /^arn:(?:aws|aws-cn|aws-us-gov):iam::(\d{12})?:policy\/(?:[\u0021-\u007e]{1,510}\/)?[\w+=,.@{}-]{1,128}$/;

function parseOverflowPolicy(members: Members, roles: readonly Role[]): string | undefined {
  const arn = members.text("overflowPolicy");
  if (arn === undefined) return undefined;
  const match = policyArn.exec(arn.replace("{role}", "role"));
  if (match === null || /[*?${}]/.test(arn.replace("{role}", "")))
    return members.refuse("overflowPolicy", "must be the ARN of a managed policy of yours; {role} is the role's name");
  if (roles.some(({ account }) => account !== (match[1] ?? "")))
    return members.refuse("overflowPolicy", "must be of the roles' account");
  if (roles.length > 1 && !arn.includes("{role}"))
    return members.refuse("overflowPolicy", "must hold {role}: each role needs a policy of its own");
  return arn;
}

function parseExternalId(members: Members): string | undefined {
  const text = members.text("externalId");
  if (text === undefined || /^[\w+=,.@:/-]{2,1224}$/.test(text)) return text;
  return members.refuse("externalId", "must be 2 to 1224 letters, digits or _+=,.@:/-");
}

function parseLogin(value: Json, use: "mint" | "revoke"): Result<Login, ScopeFault> {
  const members = readMembers(isObject(value) ? value : {});
  const [accessKeyId, secretAccessKey] = [
    members.secretReference("accessKeyId"),
    members.secretReference("secretAccessKey"),
  ];
  const sessionToken = members.secretReference("sessionToken") ?? null;
  const role = members.text("role");
  const tokenFile = members.text("tokenFile");
  const ownToken = members.flag("brokerToken");
  if (!isObject(value))
    members.refuse("", "must be { accessKeyId, secretAccessKey }, { role, tokenFile } or { brokerToken: true }");
  if (role !== undefined) {
    const parsedRole = parseRole(role);
    if (!parsedRole.ok) members.refuse("role", parsedRole.fault);
  }
  const hasKeys = accessKeyId !== undefined && secretAccessKey !== undefined;
  const ways = [hasKeys, tokenFile !== undefined, ownToken === true].filter(Boolean).length;
  if (ways !== 1) members.refuse("", "must name exactly one way: both keys, tokenFile with role, or brokerToken: true");
  if (tokenFile !== undefined && role === undefined)
    members.refuse("role", "is the role that the token is exchanged for");
  if (hasKeys && role !== undefined) members.refuse("role", "is not used with keys");
  if (ownToken === true && use === "revoke" && role === undefined)
    members.refuse("role", "is the role that may write policies; it must trust the broker's tokens");
  if (ownToken === true && use === "mint" && role !== undefined)
    members.refuse("role", "is not used here: sessions are of the template's role at once");
  return members.done((): Login => {
    if (hasKeys) return { kind: "keys", accessKeyId, secretAccessKey, sessionToken };
    if (tokenFile !== undefined) return { kind: "token_file", role: role ?? "", file: { file: tokenFile } };
    return { kind: "broker_token", role: role ?? null };
  });
}

function parseProbe(value: Json, region: string): Result<S3Probe, ScopeFault> {
  if (!isObject(value))
    return err({ path: "", message: "must be { bucket, key }, an object that every session may read" });
  const members = readMembers(value);
  const bucket = members.text("bucket") ?? members.refuse("bucket", "must be there") ?? "";
  const key = members.text("key") ?? members.refuse("key", "must be there") ?? "";
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket)) members.refuse("bucket", "must be the name of an S3 bucket");
  if (!/^[A-Za-z0-9_./=-]+$/.test(key) || key.split("/").some((part) => /^\.{0,2}$/.test(part)))
    members.refuse("key", "must be an object's key of letters, digits and _ . / = -");
  const endpoint = members.url("endpoint") ?? `https://s3.${region}.amazonaws.com`;
  return members.done(() => ({ bucket, key, endpoint }));
}

function nested<T>(members: Members, path: string, parsed: Result<T, ScopeFault>): T | undefined {
  if (parsed.ok) return parsed.value;
  return members.refuse(parsed.fault.path === "" ? path : `${path}.${parsed.fault.path}`, parsed.fault.message);
}

const isObject = (value: Json): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
