/**
 * Ends a token by its accessor and looks whether it is gone. The server answers 204, 200 with a warning or 400 for one
 * that is dead already, depending on its release, so only the look decides. Answers what is left to do, or null.
 */
import type { Verdict } from "../../src/domain/verdict.ts";
import { unreachable } from "../../src/kernel/unreachable.ts";
import { isDone, says } from "./answers.ts";
import type { BrokerAnswer } from "./broker-call.ts";
import { notEnded, notSeen } from "./not-ended.ts";
import type { VaultParts } from "./parts.ts";

export async function endToken(parts: VaultParts, accessor: string, signal: AbortSignal): Promise<Verdict | null> {
  const body = { accessor };
  const revoked = await parts.asBroker({ verb: "write", path: "auth/token/revoke-accessor", body, signal });
  if (!isGoneAnswer(revoked) && !(revoked.kind === "answered" && isDone(revoked)))
    return notEnded(revoked, "auth/token/revoke-accessor");
  const found = await lookUpToken(parts, accessor, signal);
  switch (found.kind) {
    case "gone":
      return null;
    case "alive":
      return { kind: "retry", reason: "token_alive_after_revocation", of: "lease" };
    case "unclear":
      return notSeen(found.answer);
    default:
      return unreachable(found);
  }
}

export type TokenLook =
  | { readonly kind: "alive" }
  | { readonly kind: "gone" }
  | { readonly kind: "unclear"; readonly answer: BrokerAnswer };

export async function lookUpToken(parts: VaultParts, accessor: string, signal: AbortSignal): Promise<TokenLook> {
  const body = { accessor };
  const answer = await parts.asBroker({ verb: "write", path: "auth/token/lookup-accessor", body, signal });
  if (isGoneAnswer(answer)) return { kind: "gone" };
  // Only an answer about this very accessor counts as a sight of it.
  const isSight = answer.kind === "answered" && answer.status === 200 && accessorOf(answer) === accessor;
  return isSight ? { kind: "alive" } : { kind: "unclear", answer };
}

/** A 403 got here only if the server knows the broker's own token. */
const isGoneAnswer = (answer: BrokerAnswer): boolean =>
  answer.kind === "answered" && [400, 403, 404].includes(answer.status) && says(answer, "no_accessor");

function accessorOf({ body }: Extract<BrokerAnswer, { kind: "answered" }>): unknown {
  const data = body?.["data"];
  return typeof data === "object" && data !== null && "accessor" in data ? data.accessor : undefined;
}
