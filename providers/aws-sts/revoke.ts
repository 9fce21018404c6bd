/**
 * Kills one session by name. What the ledger keeps denied is written into the role's policy and read back (submitted);
 * dead it is called when a probe that worked before is refused, or when IAM has had its time to settle (effective).
 */
import type { Verdict } from "../../src/domain/verdict.ts";
import { addMillis, secondsToMillis, type EpochMillis } from "../../src/kernel/time.ts";
import { unreachable } from "../../src/kernel/unreachable.ts";
import type { ProbeAnswer, ProbeRequest, RevokeRequest } from "../../src/ports/provider.ts";
import type { Client } from "./client.ts";
import { denialOf, parseHandle } from "./handle.ts";

type Probe = ((request: ProbeRequest) => Promise<ProbeAnswer>) | undefined;

export async function revokeAwsSts(client: Client, request: RevokeRequest): Promise<Verdict> {
  const { lease, now, signal } = request;
  // Its own policy allows nothing any more: a denial would only take room.
  if (now >= lease.nativeExpiresAt)
    return (await ask(client.probe, request)) === "dead"
      ? { kind: "dead-verified" }
      : { kind: "expires-only", at: lease.nativeExpiresAt };
  const handle = parseHandle(lease.handle);
  if (handle === undefined)
    return { kind: "refused", reason: "handle_unreadable", fix: "deny the session by hand; CloudTrail names it" };
  if (signal.aborted) return { kind: "retry", reason: "aborted" };
  const denied = await client.writer.deny(handle.role, denialOf(lease, handle.sessionName), signal);
  switch (denied.kind) {
    case "denied":
      return settled(client, request, denied.since);
    case "role_gone":
      return { kind: "already-gone" };
    case "not_denied":
      return denied.verdict;
    default:
      return unreachable(denied);
  }
}

/** Between two looks at a session that is still on its way out. */
const lookAgainMillis = 1_000;

async function settled(client: Client, request: RevokeRequest, since: EpochMillis): Promise<Verdict> {
  const until = addMillis(since, secondsToMillis(client.options.settleSeconds));
  const answer = await ask(client.probe, request);
  const now = client.now();
  if (answer === "dead") return { kind: "dead-verified" };
  if (now < until) {
    const soon = addMillis(now, lookAgainMillis);
    return { kind: "pending", until: answer === "alive" && soon < until ? soon : until };
  }
  return answer === "alive"
    ? { kind: "retry", reason: "still_alive_after_settling", of: "lease" }
    : { kind: "dead-unverified" };
}

/** A refusal is a death only of what was seen alive. */
async function ask(probe: Probe, request: RevokeRequest): Promise<ProbeAnswer["kind"]> {
  if (probe === undefined || request.secret === null || !request.lease.provenAlive) return "unclear";
  return (await probe(request)).kind;
}
