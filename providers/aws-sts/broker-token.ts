/**
 * The broker as OpenID Connect issuer of an AWS account: a short JWT for AssumeRoleWithWebIdentity, signed by the
 * broker's ring. The role's trust policy pins its issuer, audience and subject.
 */
import { base64UrlFromBytes } from "../../src/kernel/base64url.ts";
import type { JsonObject } from "../../src/kernel/canonical-json.ts";
import { Redacted } from "../../src/kernel/redacted.ts";
import { toNumericDate } from "../../src/kernel/time.ts";
import type { ProviderTools } from "../../src/ports/provider.ts";
import type { AwsStsOptions } from "./options.ts";

export interface BrokerToken {
  sign(tags: readonly SessionTag[], sourceIdentity?: string): Promise<Redacted>;
}
export interface SessionTag {
  readonly key: string;
  readonly value: string;
}

/** Long enough for one exchange over a slow path. */
const lifetimeSeconds = 300;

export function createBrokerToken(options: AwsStsOptions, tools: ProviderTools): BrokerToken {
  const { audience, subject } = options.brokerToken;
  return {
    async sign(tags, sourceIdentity) {
      const issuedAt = toNumericDate(tools.now());
      const claims: JsonObject = {
        iss: tools.issuerUrl,
        aud: audience,
        sub: subject,
        jti: base64UrlFromBytes(tools.randomBytes(16)),
        iat: issuedAt,
        exp: issuedAt + lifetimeSeconds,
        ...(tags.length === 0 ? {} : { "https://aws.amazon.com/tags": tagClaim(tags) }),
        ...(sourceIdentity === undefined ? {} : { "https://aws.amazon.com/source_identity": sourceIdentity }),
      };
      return new Redacted(await tools.signer.sign({ type: "JWT", claims }), "broker token");
    },
  };
}

const tagClaim = (tags: readonly SessionTag[]): JsonObject => ({
  principal_tags: Object.fromEntries(tags.map(({ key, value }) => [key, [value]])),
  transitive_tag_keys: tags.map(({ key }) => key),
});
