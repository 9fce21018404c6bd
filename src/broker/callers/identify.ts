/** Who is asking: attestation verified, agent registered. Everything that follows trusts the `Caller` made here. */
import type { Redacted } from "../../kernel/redacted.ts";
import type { RequestId } from "../../kernel/ids.ts";
import { err, ok, type Result } from "../../kernel/result.ts";
import { seconds } from "../../kernel/time.ts";
import { findProfile } from "../../policy/callers.ts";
import type { BoundPolicy } from "../../policy/resources.ts";
import type { Fault } from "../fault.ts";
import type { BrokerParts, Caller } from "../parts.ts";

type Parts = Pick<BrokerParts, "attestor" | "clock" | "metrics">;

/** For `/token`: tokens of a `once` issuer are welcome, their marker is spent with the intent. */
export async function identify(
  parts: Parts,
  policy: BoundPolicy,
  request: { attestation: Redacted; requestId: RequestId },
): Promise<Result<Caller, Fault>> {
  const verified = await parts.attestor.verify(request.attestation, parts.clock.now());
  if (!verified.ok) {
    const why = verified.fault.reason;
    parts.metrics.count("mayfly_attestation_failures_total", { reason: why });
    if (why === "keys_unavailable") return err({ code: "unavailable", why, retryAfterSeconds: seconds(5) });
    return err({ code: "attestation_refused", why });
  }
  const profile = findProfile(policy, verified.value);
  if (profile === undefined) return err({ code: "not_registered" });
  return ok({ identity: verified.value, profile, requestId: request.requestId });
}

/** For every other endpoint: a token that may be used once only is spent at `/token`, nowhere else. */
export async function identifyCaller(
  parts: Parts,
  policy: BoundPolicy,
  request: { attestation: Redacted; requestId: RequestId },
): Promise<Result<Caller, Fault>> {
  const caller = await identify(parts, policy, request);
  if (caller.ok && caller.value.identity.replay.mode === "once") {
    return err({ code: "attestation_refused", why: "replay_mode" });
  }
  return caller;
}
