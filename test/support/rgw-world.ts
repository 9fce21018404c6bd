/**
 * A real RADOS gateway with a bucket of reports, roles for sessions, and a proxy in front of it that can break each
 * action by name. Sessions are used with the real S3 client, past the proxy; editors of policies are clients too.
 */
import {
  CreateRoleCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  GetRolePolicyCommand,
  IAMClient,
  PutRolePolicyCommand,
} from "@aws-sdk/client-iam";
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import type { Json, JsonObject } from "../../src/kernel/canonical-json.ts";
import type { Credential } from "../../src/ports/provider.ts";
import { startRgw, type Rgw } from "../../scripts/servers/rgw.ts";
import { startFaultProxy, type FaultProxy } from "./fault-proxy.ts";

export interface RgwWorld {
  readonly rgw: Rgw;
  readonly proxy: FaultProxy;
  /** Makes a role that the broker may assume, with read and write of all reports; answers its ARN. */
  makeRole(name: string, trust?: JsonObject): Promise<string>;
  dropRole(name: string): Promise<void>;
  /** Somebody else with the right to edit policies. */
  readonly editor: {
    put(role: string, policy: string, text: string): Promise<void>;
    drop(role: string, policy: string): Promise<void>;
    /** Undefined where there is none. */
    read(role: string, policy: string): Promise<string | undefined>;
  };
  /** What a session may do here, tried with the real client. */
  may(credential: Credential): Promise<readonly string[]>;
  reads(credential: Credential, key?: string): Promise<boolean>;
  /** Options of a provider whose every request goes by the proxy. */
  options(roles: readonly string[], more?: JsonObject): JsonObject;
  /** The environment that these options name. */
  readonly secrets: Record<string, string>;
  close(): Promise<void>;
}

export const bucket = "reports";
const region = "us-east-1";
const ownTrust = statement("Allow", { Principal: { AWS: ["arn:aws:iam:::user/broker"] }, Action: ["sts:AssumeRole"] });
const grants = statement("Allow", {
  Action: ["s3:GetObject", "s3:PutObject", "s3:ListBucket"],
  Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
});

/** Requests to STS and IAM by their action, those to S3 by their path. */
const nameOf = ({ path, body }: { path: string; body: string }): string => {
  const action = new URLSearchParams(body).get("Action");
  return action === null ? path : `/${action}`;
};

export async function startRgwWorld(): Promise<RgwWorld> {
  const rgw = await startRgw();
  const proxy = await startFaultProxy(nameOf);
  proxy.forwardTo(rgw.url);
  const iam = new IAMClient({ endpoint: rgw.url, region, credentials: rgw.broker, maxAttempts: 1 });
  const s3Of = (credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }): S3Client =>
    new S3Client({ endpoint: rgw.url, region, credentials, forcePathStyle: true, maxAttempts: 1 });
  const owner = s3Of(rgw.owner);
  await owner.send(new CreateBucketCommand({ Bucket: bucket }));
  for (const Key of ["emea/total", "apac/total"])
    await owner.send(new PutObjectCommand({ Bucket: bucket, Key, Body: "42" }));

  const tries: Readonly<Record<string, (s3: S3Client) => Promise<unknown>>> = {
    "read emea": (s3) => s3.send(new GetObjectCommand({ Bucket: bucket, Key: "emea/total" })),
    "read apac": (s3) => s3.send(new GetObjectCommand({ Bucket: bucket, Key: "apac/total" })),
    "write emea": (s3) => s3.send(new PutObjectCommand({ Bucket: bucket, Key: "emea/new", Body: "0" })),
    list: (s3) => s3.send(new ListObjectsV2Command({ Bucket: bucket })),
  };

  return {
    rgw,
    proxy,
    secrets: { BROKER_KEY: rgw.broker.accessKeyId, BROKER_SECRET: rgw.broker.secretAccessKey },
    async makeRole(name, trust = ownTrust) {
      const AssumeRolePolicyDocument = JSON.stringify(trust);
      await iam.send(new CreateRoleCommand({ RoleName: name, Path: "/jit/", AssumeRolePolicyDocument }));
      await iam.send(
        new PutRolePolicyCommand({ RoleName: name, PolicyName: "grants", PolicyDocument: JSON.stringify(grants) }),
      );
      return `arn:aws:iam:::role/jit/${name}`;
    },
    async dropRole(RoleName) {
      for (const PolicyName of ["grants"]) await iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName }));
      await iam.send(new DeleteRoleCommand({ RoleName }));
    },
    editor: {
      async put(RoleName, PolicyName, PolicyDocument) {
        await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument }));
      },
      async drop(RoleName, PolicyName) {
        await iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName }));
      },
      read: (RoleName, PolicyName) =>
        iam.send(new GetRolePolicyCommand({ RoleName, PolicyName })).then(
          ({ PolicyDocument }) => PolicyDocument,
          () => undefined,
        ),
    },
    async may(credential) {
      const s3 = s3Of(keysOf(credential));
      const allowed: string[] = [];
      for (const [name, attempt] of Object.entries(tries))
        if (await attempt(s3).then(isDone, isRefused)) allowed.push(name);
      return allowed.sort();
    },
    reads: (credential, key = "emea/total") =>
      s3Of(keysOf(credential))
        .send(new GetObjectCommand({ Bucket: bucket, Key: key }))
        .then(isDone, isRefused),
    options: (roles, more = {}) => ({
      region,
      stsEndpoint: proxy.url,
      iamEndpoint: proxy.url,
      roles,
      minter: { accessKeyId: { env: "BROKER_KEY" }, secretAccessKey: { env: "BROKER_SECRET" } },
      revoker: { accessKeyId: { env: "BROKER_KEY" }, secretAccessKey: { env: "BROKER_SECRET" } },
      settleSeconds: 0,
      writeIntervalMillis: 0,
      ...more,
    }),
    async close() {
      await proxy.close();
      await rgw.close();
    },
  };
}

export function statement(effect: "Allow" | "Deny", rest: JsonObject): JsonObject {
  return { Version: "2012-10-17", Statement: [{ Effect: effect, ...rest }] };
}

export function keysOf(credential: Credential) {
  if (credential.kind !== "structured") throw new Error("an AWS session is a structured credential");
  const value = credential.value.reveal();
  return {
    accessKeyId: textOf(value["access_key_id"]),
    secretAccessKey: textOf(value["secret_access_key"]),
    sessionToken: textOf(value["session_token"]),
  };
}

const textOf = (value: Json | undefined): string => (typeof value === "string" ? value : "");

const isDone = (): boolean => true;
/** Only a refusal is a no: whatever else goes wrong is a fault of the test. */
function isRefused(error: unknown): boolean {
  const { $metadata } = error as { $metadata?: { httpStatusCode?: number } };
  if ($metadata?.httpStatusCode === 403) return false;
  throw error;
}
