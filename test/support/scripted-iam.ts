/**
 * IAM and STS by AWS's documents, for what no server here has: customer-managed policies with five versions, attached to
 * roles, percent-encoded answers, and the size limits of both kinds. Sessions are judged by it at each use, apart from
 * what the provider believes. What a real server does is tested with a real one.
 */
import { maxDeniable } from "../../providers/aws-sts/deny-document.ts";
import { serveOnLoopback } from "../../scripts/servers/loopback.ts";
import type { JsonObject } from "../../src/kernel/canonical-json.ts";
import type { Credential } from "../../src/ports/provider.ts";
import { startFaultProxy, type FaultProxy } from "./fault-proxy.ts";
import { keysOf } from "./rgw-world.ts";

export interface ScriptedIam {
  readonly proxy: FaultProxy;
  readonly secrets: Record<string, string>;
  readonly roles: Map<string, FakeRole>;
  readonly policies: Map<string, FakePolicy>;
  /** Who GetCallerIdentity says the caller is. */
  callerArn: string;
  /** Web identity tokens that AWS takes; null takes any. */
  tokens: ReadonlySet<string> | null;
  /** How far its clock is ahead. */
  skew: number;
  /** With the overflow policy that its name names, attached and empty. */
  makeRole(name: string): Promise<string>;
  reads(credential: Credential): Promise<boolean>;
  options(roles: readonly string[], more?: JsonObject): JsonObject;
  close(): Promise<void>;
}
export interface FakeRole {
  readonly inline: Map<string, string>;
  readonly attached: Set<string>;
}
export interface FakePolicy {
  readonly versions: Map<string, string>;
  inForce: string;
  made: number;
}
interface Session {
  readonly role: string;
  readonly name: string;
  readonly issuedAt: number;
}

const account = "123456789012";
export const roleArn = (name: string): string => `arn:aws:iam::${account}:role/jit/${name}`;
export const overflowArn = (role: string): string => `arn:aws:iam::${account}:policy/jit/overflow-${role}`;
/** As the provider's page shows it. */
export const emptyOverflow = JSON.stringify({
  Version: "2012-10-17",
  Statement: [
    {
      Sid: "MayflyOverflow",
      Effect: "Deny",
      Action: "*",
      Resource: "*",
      Condition: { StringLike: { "aws:userid": ["none"] } },
    },
  ],
});
const keys = { accessKeyId: { env: "ID" }, secretAccessKey: { env: "SECRET" } };

/** Somebody else's inline policy leaves the role room for so many denials. */
export function leaveRoom(role: FakeRole | undefined, denials: number): void {
  const statement = (resource: string): string =>
    JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Resource: resource }] });
  const length = (maxDeniable - denials) * 25;
  role?.inline.set("somebody-elses", statement("r".repeat(length - statement("").length)));
}

interface World {
  readonly roles: Map<string, FakeRole>;
  readonly policies: Map<string, FakePolicy>;
  readonly sessions: Map<string, Session>;
  readonly now: () => number;
  callerArn: string;
  tokens: ReadonlySet<string> | null;
}
class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string) {
    super(code);
    this.status = status;
    this.code = code;
  }
}

export async function startScriptedIam(now: () => number = Date.now): Promise<ScriptedIam> {
  const world = {
    roles: new Map<string, FakeRole>(),
    policies: new Map<string, FakePolicy>(),
    sessions: new Map<string, Session>(),
    tokens: null as ReadonlySet<string> | null,
    skew: 0,
    now: (): number => now() + world.skew,
    callerArn: `arn:aws:iam::${account}:user/broker`,
  };
  const served = await serveOnLoopback((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const form = Object.fromEntries(new URLSearchParams(Buffer.concat(parts).toString()));
      const { status, body } = answerTo(world, form);
      response.writeHead(status, { "content-type": "text/xml" }).end(body);
    });
  });
  const proxy = await startFaultProxy(({ body }) => `/${new URLSearchParams(body).get("Action") ?? ""}`);
  proxy.forwardTo(served.url);
  return Object.assign(world, {
    proxy,
    secrets: { ID: "AKIDEXAMPLE", SECRET: "s3cret" },
    async makeRole(name: string) {
      world.roles.set(name, { inline: new Map(), attached: new Set([overflowArn(name)]) });
      world.policies.set(overflowArn(name), { versions: new Map([["v1", emptyOverflow]]), inForce: "v1", made: 1 });
      return roleArn(name);
    },
    reads: async (credential: Credential) => !isDenied(world, keysOf(credential).sessionToken),
    options: (roles: readonly string[], more: JsonObject = {}): JsonObject => ({
      region: "eu-central-1",
      stsEndpoint: proxy.url,
      iamEndpoint: proxy.url,
      roles,
      minter: keys,
      revoker: keys,
      settleSeconds: 0,
      writeIntervalMillis: 0,
      ...more,
    }),
    async close() {
      await proxy.close();
      await served.close();
    },
  });
}

function answerTo(world: World, form: Record<string, string>): { status: number; body: string } {
  const { Action: action = "" } = form;
  try {
    const act = actions[action];
    if (act === undefined) throw new Refusal(400, "InvalidAction");
    const body = `<${action}Response><${action}Result>${act(world, form)}</${action}Result></${action}Response>`;
    return { status: 200, body };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const body = `<ErrorResponse><Error><Type>Sender</Type><Code>${error.code}</Code></Error></ErrorResponse>`;
    return { status: error.status, body };
  }
}

const absent = (): never => {
  throw new Refusal(404, "NoSuchEntity");
};
const roleOf = ({ roles }: World, { RoleName = "" }: Record<string, string>): FakeRole =>
  roles.get(RoleName) ?? absent();
const policyOf = ({ policies }: World, { PolicyArn = "" }: Record<string, string>): FakePolicy =>
  policies.get(PolicyArn) ?? absent();
const members = (texts: readonly string[]): string => texts.map((text) => `<member>${text}</member>`).join("");
const readable = (text = ""): string => {
  if (!text.startsWith("{")) throw new Refusal(400, "MalformedPolicyDocument");
  return text;
};
const lengthOf = (text: string): number => text.replace(/\s/g, "").length;

const actions: Readonly<Record<string, (world: World, form: Record<string, string>) => string>> = {
  GetCallerIdentity: ({ callerArn }) => `<Arn>${callerArn}</Arn><UserId>AIDA</UserId><Account>${account}</Account>`,
  AssumeRole(world, form) {
    const isChained = world.callerArn.includes(":assumed-role/");
    if (isChained && Number(form["DurationSeconds"]) > 3600) throw new Refusal(400, "ValidationError");
    return assume(world, form);
  },
  AssumeRoleWithWebIdentity(world, form) {
    if (world.tokens?.has(form["WebIdentityToken"] ?? "") === false) throw new Refusal(400, "ExpiredTokenException");
    return assume(world, form);
  },
  GetRole: (world, form) => {
    roleOf(world, form);
    const { RoleName } = form;
    return `<Role><Path>/jit/</Path><RoleName>${RoleName}</RoleName><RoleId>AROAEXAMPLE</RoleId><Arn>${roleArn(RoleName ?? "")}</Arn>
<CreateDate>2026-11-22T10:00:00Z</CreateDate><MaxSessionDuration>43200</MaxSessionDuration></Role>`;
  },
  ListRolePolicies: (world, form) =>
    `<PolicyNames>${members([...roleOf(world, form).inline.keys()])}</PolicyNames><IsTruncated>false</IsTruncated>`,
  GetRolePolicy: (world, form) => {
    const text = roleOf(world, form).inline.get(form["PolicyName"] ?? "") ?? absent();
    return `<RoleName>r</RoleName><PolicyName>p</PolicyName><PolicyDocument>${encodeURIComponent(text)}</PolicyDocument>`;
  },
  PutRolePolicy(world, form) {
    const { inline } = roleOf(world, form);
    const others = [...inline].filter(([name]) => name !== form["PolicyName"]);
    const text = readable(form["PolicyDocument"]);
    const total = lengthOf(text) + others.reduce((sum, [, other]) => sum + lengthOf(other), 0);
    if (total > 10_240) throw new Refusal(409, "LimitExceeded");
    inline.set(form["PolicyName"] ?? "", text);
    return "";
  },
  DeleteRolePolicy: (world, form) => (roleOf(world, form).inline.delete(form["PolicyName"] ?? "") ? "" : absent()),
  ListAttachedRolePolicies: (world, form) => {
    const attached = [...roleOf(world, form).attached].map((arn) => `<PolicyArn>${arn}</PolicyArn>`);
    return `<AttachedPolicies>${members(attached)}</AttachedPolicies><IsTruncated>false</IsTruncated>`;
  },
  ListPolicyVersions(world, form) {
    const { versions, inForce } = policyOf(world, form);
    const told = [...versions.keys()].map(
      (id) => `<VersionId>${id}</VersionId><IsDefaultVersion>${id === inForce}</IsDefaultVersion>`,
    );
    return `<Versions>${members(told)}</Versions><IsTruncated>false</IsTruncated>`;
  },
  GetPolicyVersion(world, form) {
    const text = policyOf(world, form).versions.get(form["VersionId"] ?? "") ?? absent();
    return `<PolicyVersion><Document>${encodeURIComponent(text)}</Document><VersionId>v</VersionId></PolicyVersion>`;
  },
  CreatePolicyVersion(world, form) {
    const policy = policyOf(world, form);
    const text = readable(form["PolicyDocument"]);
    if (policy.versions.size >= 5 || lengthOf(text) > 6_144) throw new Refusal(409, "LimitExceeded");
    const id = `v${(policy.made += 1)}`;
    policy.versions.set(id, text);
    if (form["SetAsDefault"] === "true") policy.inForce = id;
    return `<PolicyVersion><VersionId>${id}</VersionId></PolicyVersion>`;
  },
  DeletePolicyVersion(world, form) {
    const policy = policyOf(world, form);
    const { VersionId = "" } = form;
    if (VersionId === policy.inForce) throw new Refusal(409, "DeleteConflict");
    return policy.versions.delete(VersionId) ? "" : absent();
  },
};

function assume({ roles, sessions, now }: World, form: Record<string, string>): string {
  const role = (form["RoleArn"] ?? "").split("/").at(-1) ?? "";
  if (!roles.has(role)) throw new Refusal(403, "AccessDenied");
  const issuedAt = Math.floor(now() / 1000) * 1000;
  const token = `token-${sessions.size}`;
  sessions.set(token, { role, name: form["RoleSessionName"] ?? "", issuedAt });
  const expiration = new Date(issuedAt + Number(form["DurationSeconds"] ?? 3600) * 1000).toISOString();
  return `<Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>
<SessionToken>${token}</SessionToken><Expiration>${expiration}</Expiration></Credentials>`;
}

interface DenyStatement {
  readonly Effect: string;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | string[]>>>>;
}

/** An explicit Deny of any policy of its role that holds for it. */
function isDenied({ roles, policies, sessions }: World, token: string): boolean {
  const session = sessions.get(token);
  const role = roles.get(session?.role ?? "");
  if (session === undefined || role === undefined) return true;
  const managed = [...role.attached].map((arn) => {
    const policy = policies.get(arn);
    return policy?.versions.get(policy.inForce) ?? "{}";
  });
  return [...role.inline.values(), ...managed]
    .flatMap((text) => (JSON.parse(text) as { Statement?: DenyStatement[] }).Statement ?? [])
    .some(({ Effect, Condition }) => Effect === "Deny" && holds(Condition ?? {}, session));
}

function holds(condition: NonNullable<DenyStatement["Condition"]>, { name, issuedAt }: Session): boolean {
  return Object.entries(condition).every(([operator, keysAndValues]) =>
    Object.entries(keysAndValues).every(([key, values]) => {
      const all = [values].flat();
      if (operator === "StringLike" && key === "aws:userid")
        return all.some((pattern) => likeness(pattern).test(`AROAEXAMPLE:${name}`));
      if (operator === "DateLessThan" && key === "aws:TokenIssueTime")
        return all.some((date) => issuedAt < Date.parse(date));
      throw new Error(`the provider wrote a condition that is not known here: ${operator} ${key}`);
    }),
  );
}

const likeness = (pattern: string): RegExp =>
  new RegExp(
    `^${pattern
      .split("*")
      .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"))
      .join(".*")}$`,
  );
