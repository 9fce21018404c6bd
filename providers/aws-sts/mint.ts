/**
 * Mints one session, asked for once. Its name, its policy and with that its deadline are fixed before the call, so that
 * an answer that was lost leaves nothing that cannot be denied by name, or that outlives the lease.
 */
import { addMillis, millis, type EpochMillis } from "../../src/kernel/time.ts";
import { Redacted } from "../../src/kernel/redacted.ts";
import type { JsonObject } from "../../src/kernel/canonical-json.ts";
import type { MintOutcome, MintPlan, MintRequest, PlanRequest } from "../../src/ports/provider.ts";
import { notMinted } from "./aws-fault.ts";
import type { SessionTag } from "./broker-token.ts";
import type { Client } from "./client.ts";
import type { AwsStsScope } from "./scope.ts";
import { sessionNameOf } from "./session-name.ts";
import { deadlineOf, policyDate, sessionPolicy } from "./session-policy.ts";
import type { Session, SessionRequest } from "./sts.ts";

/** The deadline in the session policy ends it with the lease, whatever became of the answer. */
export const planAwsSts = ({ leaseId, scope }: PlanRequest<AwsStsScope>): MintPlan => ({
  handle: { role: scope.role.arn, session_name: sessionNameOf(leaseId) },
  worstCaseTtl: millis(0),
});

/** AWS gives no session less. */
const shortestSessionSeconds = 900;
/**
 * AWS packs policy and tags by a way that it does not tell, and refuses above 100: a longer parameter takes a template
 * that worked there.
 */
const warnPercent = 80;

export async function mintAwsSts(client: Client, request: MintRequest<AwsStsScope>): Promise<MintOutcome> {
  const { options } = client;
  const { scope, leaseId, signal, now } = request;
  // The signal is looked at by what sends; a mint that was given up must not first measure a role.
  if (signal.aborted) return { kind: "rejected", reason: "aborted", retryable: true };
  const room = await client.room.checked(scope.role, signal);
  if (!room.ok) return { kind: "rejected", ...room.fault };
  const deadline = deadlineOf(request.expiresAt);
  const session = {
    role: scope.role.arn,
    sessionName: sessionNameOf(leaseId),
    durationSeconds: Math.min(
      options.maxSessionSeconds,
      Math.max(shortestSessionSeconds, Math.ceil((deadline - now) / 1000)),
    ),
    policy: sessionPolicy(scope.statements, deadline),
  };
  const tags = options.tags ? tagsOf(request) : [];
  const sourceIdentity = options.sourceIdentity ? session.sessionName : undefined;
  const answer =
    options.minter.kind === "broker_token"
      ? await client.sts.assumeRoleWithWebIdentity(
          { ...session, token: await client.brokerToken.sign(tags, sourceIdentity) },
          signal,
        )
      : await client.sts.assumeRole({ ...session, externalId: options.externalId, tags, sourceIdentity }, signal);
  return answer.ok ? minted(client, { request, session, deadline }, answer.value) : notMinted(answer.fault);
}

/** For CloudTrail and for policies on resources; no secret and nobody's name, because other accounts see them too. */
const tagsOf = ({ leaseId, taskId }: MintRequest<AwsStsScope>): readonly SessionTag[] => [
  { key: "mayfly-task", value: taskId },
  { key: "mayfly-lease", value: leaseId },
];

interface Asked {
  readonly request: MintRequest<AwsStsScope>;
  readonly session: SessionRequest;
  readonly deadline: EpochMillis;
}

function minted(
  { options, now }: Client,
  { request, session, deadline }: Asked,
  { identity, expiresAt, packedPercent }: Session,
): MintOutcome {
  const { handle } = request;
  // By AWS's clock, which cutoffs go by. A server that gives less than was asked makes it too early: not after the answer.
  const issuedAt = addMillis(expiresAt, -session.durationSeconds * 1000);
  const issuedBefore = Math.max(issuedAt, now());
  const { accessKeyId, secretAccessKey, sessionToken } = identity;
  // Whichever comes first: a server that gives less than was asked has the last word.
  const nativeExpiresAt = expiresAt < deadline ? expiresAt : deadline;
  const value: JsonObject = {
    access_key_id: accessKeyId,
    secret_access_key: secretAccessKey,
    session_token: sessionToken,
    expiration: policyDate(nativeExpiresAt),
    region: options.region,
  };
  return {
    kind: "minted",
    minted: {
      credential: { kind: "structured", type: "aws", value: new Redacted(value, "aws session") },
      handle: { ...handle, issued_at: issuedAt, issued_before: issuedBefore },
      secretToKeep: options.probe === undefined ? null : new Redacted(JSON.stringify(identity), "aws session"),
      findByFingerprint: true,
      nativeExpiresAt,
      granted: null,
      ...(packedPercent !== null && packedPercent >= warnPercent
        ? { nearLimit: { limit: "packed_policy_size", percent: packedPercent } }
        : {}),
    },
  };
}
