/** The answer of an exchange (RFC 8693 §2.2.1): the one place where a credential is written into a response. */
import { credentialText } from "../broker/issue/credential-text.ts";
import type { IssueAnswer } from "../broker/issue/request.ts";
import { toRfc3339 } from "../kernel/time.ts";
import { accessTokenTypeUri, detailsType, structuredTokenTypeBase } from "./token-uris.ts";
import type { TokenAnswer } from "./schemas/token.ts";

export function tokenAnswerOf(issued: IssueAnswer): TokenAnswer {
  const { lease, task, template, parameters, revocation } = issued;
  return {
    access_token: credentialText(issued.credential).reveal(),
    ...typeOf(issued.credential),
    expires_in: issued.expiresInSeconds,
    scope: template,
    authorization_details: [{ type: detailsType, template, parameters }],
    task_id: task.id,
    lease_id: lease.id,
    ttl_bound: issued.ttlBound,
    provider_expires_at: toRfc3339(issued.providerExpiresAt),
    revocation: revocation.kind,
    ...(revocation.kind === "eventual" && { revocation_settle_seconds: revocation.settleSeconds }),
  };
}

/** `N_A` says that the value is no token to be presented as it is (RFC 8693 §2.2.1). */
function typeOf(credential: IssueAnswer["credential"]) {
  if (credential.kind === "bearer") return { issued_token_type: accessTokenTypeUri, token_type: credential.tokenType };
  return {
    issued_token_type: `${structuredTokenTypeBase}${credential.type}`,
    token_type: "N_A" as const,
    credential: { type: credential.type, ...credential.value.reveal() },
  };
}
