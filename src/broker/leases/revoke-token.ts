/**
 * RFC 7009. Possession suffices: whoever holds a credential may have it killed. Unknown tokens are answered like known
 * ones; only a store that did not take the order is an error, because then "revoked" would be a lie.
 */
import type { RequestId } from "../../kernel/ids.ts";
import type { Redacted } from "../../kernel/redacted.ts";
import { err, ok, type Result } from "../../kernel/result.ts";
import { millis } from "../../kernel/time.ts";
import { storeFault } from "../answer-faults.ts";
import type { Fault } from "../fault.ts";
import type { BrokerParts } from "../parts.ts";
import { findToken } from "./find-token.ts";

export async function revokeToken(
  parts: Pick<BrokerParts, "ledger" | "signer" | "sha256">,
  request: { token: Redacted; requestId: RequestId },
): Promise<Result<void, Fault>> {
  const found = await findToken(parts, request.token);
  if (found === undefined) return ok();
  const answer = await parts.ledger.makeDue({
    leaseId: found.view.lease.id,
    killCause: "requested",
    delay: millis(0),
    cause: { actor: "bearer", requestId: request.requestId },
  });
  return answer.kind === "unknown" ? err(storeFault) : ok();
}
