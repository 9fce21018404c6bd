/**
 * RFC 7662 for the broker's own tokens. Liveness comes from the gate: a task that ended makes its tokens inactive in
 * the same write, before any kill ran. A resource server sees only tokens for its own audiences.
 */
import type { Lease } from "../../domain/lease.ts";
import type { JsonObject } from "../../kernel/canonical-json.ts";
import { replacedGraceMillis } from "../../kernel/limits.ts";
import type { Redacted } from "../../kernel/redacted.ts";
import { err, ok, type Result } from "../../kernel/result.ts";
import { addMillis, earliest, type EpochMillis } from "../../kernel/time.ts";
import type { Fault } from "../fault.ts";
import type { BrokerParts, Caller } from "../parts.ts";
import { findToken } from "./find-token.ts";

export type Introspection = { readonly active: false } | { readonly active: true; readonly claims: JsonObject };

export async function introspectToken(
  parts: Pick<BrokerParts, "ledger" | "signer" | "sha256" | "clock">,
  caller: Caller,
  token: Redacted,
): Promise<Result<Introspection, Fault>> {
  const { role } = caller.profile;
  if (role.kind !== "resource")
    return err({ code: "denied", why: "not_a_resource", detail: "introspection is for resource servers" });
  const found = await findToken(parts, token);
  if (found === undefined || found.claims === null) return ok({ active: false });
  const { claims, view } = found;
  const audience = claims["aud"];
  const isForCaller = typeof audience === "string" && role.audiences.includes(audience);
  const now = parts.clock.now();
  const isAlive = view.gate.kind === "open" && isHonoured(view.lease, now) && now < view.lease.expiresAt;
  return ok(isForCaller && isAlive ? { active: true, claims } : { active: false });
}

/** A replaced credential is good until its grace is over, unless anything has brought its kill forward. */
function isHonoured({ state, expiresAt }: Lease, now: EpochMillis): boolean {
  if (state.kind === "active") return true;
  if (state.kind !== "revoking" || state.cause !== "replaced") return false;
  const graceEndsAt = earliest(expiresAt, addMillis(state.killOrderedAt, replacedGraceMillis));
  return state.dueAt === graceEndsAt && now < graceEndsAt;
}
