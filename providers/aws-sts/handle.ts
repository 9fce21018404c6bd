/** What a lease keeps of its session: the role, the name that it is denied by, and when it was issued at the latest. */
import type { Lease } from "../../src/domain/lease.ts";
import type { JsonObject } from "../../src/kernel/canonical-json.ts";
import type { Denial } from "./deny-plan.ts";
import { parseRole, type Role } from "./role.ts";
import { isSessionName } from "./session-name.ts";

export function parseHandle(handle: JsonObject): { readonly role: Role; readonly sessionName: string } | undefined {
  const { role: arn, session_name: sessionName } = handle;
  const role = typeof arn === "string" ? parseRole(arn) : undefined;
  return role?.ok === true && isSessionName(sessionName) ? { role: role.value, sessionName } : undefined;
}

export const denialOf = ({ mintAbortAt }: Pick<Lease, "mintAbortAt">, sessionName: string): Denial => ({
  sessionName,
  issuedBefore: mintAbortAt,
});
