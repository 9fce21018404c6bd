/** STS narrowed to the calls that are made, each answering a value or a fault. */
import {
  AssumeRoleCommand,
  AssumeRoleWithWebIdentityCommand,
  GetCallerIdentityCommand,
  STSClient,
  type AssumeRoleCommandOutput,
} from "@aws-sdk/client-sts";
import type { Redacted } from "../../src/kernel/redacted.ts";
import { err, ok, type Result } from "../../src/kernel/result.ts";
import { epochMillis, type EpochMillis } from "../../src/kernel/time.ts";
import type { AwsFault } from "./aws-fault.ts";
import type { SessionTag } from "./broker-token.ts";
import { attempt, clientConfiguration, type CallTools } from "./call.ts";
import type { AwsIdentity } from "./login.ts";

export interface SessionRequest {
  readonly role: string;
  readonly sessionName: string;
  readonly durationSeconds: number;
  readonly policy: string;
}

/** What STS made. */
export interface Session {
  readonly identity: Required<Omit<AwsIdentity, "expiration">>;
  readonly expiresAt: EpochMillis;
  /** How much of AWS's packed form the session policy and the tags take; null where the server does not say. */
  readonly packedPercent: number | null;
}

export interface Sts {
  assumeRole(
    request: SessionRequest & {
      readonly externalId: string | undefined;
      readonly tags: readonly SessionTag[];
      readonly sourceIdentity: string | undefined;
    },
    signal: AbortSignal,
  ): Promise<Result<Session, AwsFault>>;
  /** Unsigned: the token is all the proof. */
  assumeRoleWithWebIdentity(
    request: SessionRequest & { readonly token: Redacted },
    signal: AbortSignal,
  ): Promise<Result<Session, AwsFault>>;
  /** The ARN of who the login is. */
  callerArn(signal: AbortSignal): Promise<Result<string, AwsFault>>;
}

/** A session of the broker's own, without a session policy. */
export type TokenExchange = (request: {
  readonly role: string;
  readonly sessionName: string;
  readonly token: Redacted;
}) => Promise<Result<Session, AwsFault>>;

export function createSts(tools: CallTools): Sts {
  const client = new STSClient(clientConfiguration(tools));
  return {
    async assumeRole({ externalId, tags, sourceIdentity, ...request }, abortSignal) {
      const command = new AssumeRoleCommand({
        ...inputOf(request),
        ...(externalId === undefined ? {} : { ExternalId: externalId }),
        ...(sourceIdentity === undefined ? {} : { SourceIdentity: sourceIdentity }),
        ...(tags.length === 0 ? {} : { Tags: tagInput(tags), TransitiveTagKeys: tags.map(({ key }) => key) }),
      });
      return sessionOf(tools, () => client.send(command, { abortSignal }));
    },
    async assumeRoleWithWebIdentity({ token, ...request }, abortSignal) {
      const input = { ...inputOf(request), WebIdentityToken: token.reveal() };
      return sessionOf(tools, () => client.send(new AssumeRoleWithWebIdentityCommand(input), { abortSignal }));
    },
    async callerArn(abortSignal) {
      const answer = await attempt(tools, () => client.send(new GetCallerIdentityCommand({}), { abortSignal }));
      if (!answer.ok) return answer;
      const { Arn } = answer.value;
      return Arn === undefined ? err({ kind: "unreadable" }) : ok(Arn);
    },
  };
}

/** An hour is what every role gives. */
export function createTokenExchange(tools: Omit<CallTools, "login">): TokenExchange {
  const client = new STSClient(clientConfiguration(tools));
  return ({ role, sessionName, token }) => {
    const input = { RoleArn: role, RoleSessionName: sessionName, WebIdentityToken: token.reveal() };
    return sessionOf({}, () => client.send(new AssumeRoleWithWebIdentityCommand(input)));
  };
}

const inputOf = ({ role, sessionName, durationSeconds, policy }: SessionRequest) => ({
  RoleArn: role,
  RoleSessionName: sessionName,
  DurationSeconds: durationSeconds,
  Policy: policy,
});

const tagInput = (tags: readonly SessionTag[]) => tags.map(({ key, value }) => ({ Key: key, Value: value }));

async function sessionOf(
  tools: Pick<CallTools, "login">,
  send: () => Promise<Pick<AssumeRoleCommandOutput, "Credentials" | "PackedPolicySize">>,
): Promise<Result<Session, AwsFault>> {
  const answer = await attempt(tools, send);
  if (!answer.ok) return answer;
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = answer.value.Credentials ?? {};
  const expiresAt = Expiration?.getTime() ?? Number.NaN;
  if (!AccessKeyId || !SecretAccessKey || !SessionToken || !Number.isFinite(expiresAt))
    return err({ kind: "unreadable" });
  const identity = { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
  return ok({ identity, expiresAt: epochMillis(expiresAt), packedPercent: answer.value.PackedPolicySize ?? null });
}
