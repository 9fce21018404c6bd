/**
 * Ends what the server leased, by asking it to run the engine's revocation now and not from its queue, and looks whether
 * the lease is gone. 204 also answers for a lease that never was, and 202 only says that it was queued. Answers what is
 * left to do, or null.
 */
import type { Verdict } from "../../src/domain/verdict.ts";
import { millis } from "../../src/kernel/time.ts";
import { unreachable } from "../../src/kernel/unreachable.ts";
import { isDone, membersOf, numberOf, says } from "./answers.ts";
import type { BrokerAnswer } from "./broker-call.ts";
import { notEnded, notSeen, refused } from "./not-ended.ts";
import type { VaultParts } from "./parts.ts";

/** The engine works at its own system meanwhile; the core gives a kill ten seconds. */
const timeout = millis(8_000);

export async function endLease(parts: VaultParts, leaseId: string, signal: AbortSignal): Promise<Verdict | null> {
  const body = { lease_id: leaseId, sync: true };
  const revoked = await parts.asBroker({ verb: "write", path: "sys/leases/revoke", body, timeout, signal });
  if (!isGoneAnswer(revoked) && !(revoked.kind === "answered" && isDone(revoked)))
    return notRevoked(parts, leaseId, revoked, signal);
  const found = await lookUpLease(parts, leaseId, signal);
  switch (found.kind) {
    case "gone":
      return null;
    case "there":
      return { kind: "retry", reason: "lease_there_after_revocation", of: "lease" };
    case "unclear":
      return notSeen(found.answer);
    default:
      return unreachable(found);
  }
}

export type LeaseLook =
  | { readonly kind: "gone" }
  /** `isCondemned`: its token ended, or its time did, and the server's queue has not got to it or cannot end it. */
  | { readonly kind: "there"; readonly isCondemned: boolean; readonly issuedAtMillis: number }
  | { readonly kind: "unclear"; readonly answer: BrokerAnswer };

export async function lookUpLease(parts: VaultParts, leaseId: string, signal: AbortSignal): Promise<LeaseLook> {
  const body = { lease_id: leaseId };
  const answer = await parts.asBroker({ verb: "write", path: "sys/leases/lookup", body, signal });
  if (isGoneAnswer(answer)) return { kind: "gone" };
  if (answer.kind !== "answered" || answer.status !== 200) return { kind: "unclear", answer };
  const data = membersOf(answer.body, "data");
  if (data["id"] !== leaseId) return { kind: "unclear", answer };
  const ttlSeconds = numberOf(data, "ttl") ?? 0;
  return { kind: "there", isCondemned: ttlSeconds <= 0, issuedAtMillis: Date.parse(String(data["issue_time"])) };
}

const isGoneAnswer = (answer: BrokerAnswer): boolean =>
  answer.kind === "answered" && [400, 404].includes(answer.status) && says(answer, "no_lease");

/** 400 brings the engine's own failure: its system is away, or will not let go of what was made. */
async function notRevoked(
  parts: VaultParts,
  leaseId: string,
  answer: BrokerAnswer,
  signal: AbortSignal,
): Promise<Verdict> {
  if (answer.kind !== "answered" || answer.status !== 400) {
    const isQueued = answer.kind === "answered" && answer.status === 202;
    return isQueued ? { kind: "retry", reason: "only_queued", of: "lease" } : notEnded(answer, "sys/leases/revoke");
  }
  if (says(answer, "owned_objects"))
    return refused(
      "owned_objects",
      "drop or give away what this credential made, and let the engine's revocation statements do so for the next ones",
    );
  if (await isIrrevocable(parts, leaseId, signal))
    return refused(
      "irrevocable_lease",
      "the server itself has given this lease up (sys/leases?type=irrevocable): mend the engine's connection or role, or end the credential at its system by hand",
    );
  return { kind: "retry", reason: "engine_cannot_revoke" };
}

/** Only where the broker may look; a server that does not show it is asked again like any other. */
async function isIrrevocable(parts: VaultParts, leaseId: string, signal: AbortSignal): Promise<boolean> {
  const answer = await parts.asBroker({ verb: "read", path: "sys/leases?type=irrevocable", signal });
  if (answer.kind !== "answered" || answer.status !== 200) return false;
  const leases = membersOf(answer.body, "data")["leases"];
  return Array.isArray(leases) && leases.some((one: unknown) => namesLease(one, leaseId));
}

const namesLease = (one: unknown, leaseId: string): boolean =>
  typeof one === "object" && one !== null && "lease_id" in one && one.lease_id === leaseId;
