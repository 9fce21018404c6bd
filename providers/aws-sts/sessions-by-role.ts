/** Leases by the role that their sessions are of: each role's policies are read once. */
import type { Lease } from "../../src/domain/lease.ts";
import type { Denial } from "./deny-plan.ts";
import { denialOf, parseHandle } from "./handle.ts";
import type { Role } from "./role.ts";

export interface Member {
  readonly lease: Lease;
  readonly denial: Denial;
}

export function sessionsByRole(
  leases: readonly Lease[],
): readonly { readonly role: Role; readonly members: readonly Member[] }[] {
  const roles = new Map<string, { role: Role; members: Member[] }>();
  for (const lease of leases) {
    const handle = parseHandle(lease.handle);
    if (handle === undefined) continue;
    const { role, sessionName } = handle;
    const entry = roles.get(role.arn) ?? { role, members: [] };
    entry.members.push({ lease, denial: denialOf(lease, sessionName) });
    roles.set(role.arn, entry);
  }
  return [...roles.values()];
}
