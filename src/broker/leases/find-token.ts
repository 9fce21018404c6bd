/** Finds the lease of a presented credential: by the name inside a token of ours, else by fingerprint. */
import { accessTokenType } from "../../domain/token-types.ts";
import type { JsonObject } from "../../kernel/canonical-json.ts";
import { parseLeaseId } from "../../kernel/ids.ts";
import type { Redacted } from "../../kernel/redacted.ts";
import type { LeaseView } from "../../ports/ledger-views.ts";
import type { BrokerParts } from "../parts.ts";

export interface FoundToken {
  readonly view: LeaseView;
  /** The claims of a token that this broker signed; null for another system's credential. */
  readonly claims: JsonObject | null;
}

export async function findToken(
  parts: Pick<BrokerParts, "ledger" | "signer" | "sha256">,
  token: Redacted,
): Promise<FoundToken | undefined> {
  const claims = (await parts.signer.verify(token.reveal(), accessTokenType)) ?? null;
  if (claims === null) {
    const view = await parts.ledger.findLease(parts.sha256(token.reveal()));
    return view === undefined ? undefined : { view, claims };
  }
  const leaseId = typeof claims["jti"] === "string" ? parseLeaseId(claims["jti"]) : undefined;
  const view = leaseId === undefined ? undefined : await parts.ledger.readLease(leaseId);
  return view === undefined ? undefined : { view, claims };
}
