/**
 * An aws-sts provider in front of a server that answers exactly what a test says, for the answers that no server here
 * gives. What a real one does is tested with a real one.
 */
import { awsStsProviderType } from "../../providers/aws-sts/index.ts";
import type { JsonObject } from "../../src/kernel/canonical-json.ts";
import type { MintOutcome } from "../../src/ports/provider.ts";
import { startFaultProxy } from "./fault-proxy.ts";
import { mint, startOfTests } from "./provider-requests.ts";
import { createProvider, createTestTools } from "./provider-tools.ts";

export interface ScriptedSts {
  /** A session, with what the answer says beside it. */
  mint(said: string): Promise<MintOutcome>;
  close(): Promise<void>;
}

const role = "arn:aws:iam::123456789012:role/jit/reports";
const keys = { accessKeyId: { env: "ID" }, secretAccessKey: { env: "SECRET" } };
const statements = [{ actions: ["s3:GetObject"], resources: ["arn:aws:s3:::reports/*"] }];

export async function startScriptedSts(options: JsonObject = {}): Promise<ScriptedSts> {
  const server = await startFaultProxy(({ body }) => new URLSearchParams(body).get("Action") ?? "");
  const tools = await createTestTools({ now: () => startOfTests, secrets: { ID: "AKIDEXAMPLE", SECRET: "s3cret" } });
  const provider = await createProvider(
    awsStsProviderType,
    {
      region: "eu-central-1",
      roles: [role],
      minter: keys,
      revoker: keys,
      stsEndpoint: server.url,
      iamEndpoint: server.url,
      ...options,
    },
    tools,
  );
  const scope = provider.parseScope({ role, statements });
  const filled = scope.ok ? scope.value.fill({}) : scope;
  if (!filled.ok) throw new Error(`${filled.fault.path} ${filled.fault.message}`);
  const answer = (action: string, result: string): void =>
    server.breakPath(action, {
      kind: "answer",
      status: 200,
      headers: { "content-type": "text/xml" },
      body: `<${action}Response><${action}Result>${result}</${action}Result></${action}Response>`,
    });
  answer("ListRolePolicies", "<PolicyNames/><IsTruncated>false</IsTruncated>");
  return {
    mint(said) {
      answer("AssumeRole", `${credentials}${said}`);
      return mint(provider, filled.value);
    },
    async close() {
      await provider.close();
      await tools.close();
      await server.close();
    },
  };
}

const credentials = `<Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>
<SessionToken>token</SessionToken><Expiration>2026-11-22T10:15:00Z</Expiration></Credentials>`;
