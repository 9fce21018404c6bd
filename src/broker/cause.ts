/** How audit names the one behind a change. */
import type { Cause } from "../domain/audit-entry.ts";
import type { JsonObject } from "../kernel/canonical-json.ts";
import type { RequestId } from "../kernel/ids.ts";
import type { Caller } from "./parts.ts";

export function causeOf(caller: Caller, evidence?: JsonObject): Cause {
  const cause = { actor: `${caller.profile.role.kind}:${caller.profile.name}`, requestId: caller.requestId };
  return evidence === undefined ? cause : { ...cause, evidence };
}

export const brokerCause = (requestId: RequestId | null = null): Cause => ({ actor: "broker", requestId });
