/**
 * Which of the dead are no longer denied: somebody else edited the role's policies, or a late write of ours landed over
 * a newer one. Looks at the policy itself, since nobody else tells.
 */
import type { LeaseId } from "../../src/kernel/ids.ts";
import { err, ok, type Result } from "../../src/kernel/result.ts";
import type { UndoneRequest } from "../../src/ports/provider.ts";
import { reasonOf } from "./aws-fault.ts";
import type { Client } from "./client.ts";
import { denies } from "./denied-since.ts";
import { deniedBy } from "./deny-document.ts";
import { isAbsent } from "./iam.ts";
import type { Role } from "./role.ts";
import { sessionsByRole } from "./sessions-by-role.ts";

export async function findUndone(
  client: Client,
  { leases, now, signal }: UndoneRequest,
): Promise<Result<readonly LeaseId[], string>> {
  const undone: LeaseId[] = [];
  for (const { role, members } of sessionsByRole(leases.filter((lease) => now < lease.nativeExpiresAt))) {
    // oxlint-disable-next-line no-await-in-loop -- IAM takes few requests a second
    const policy = await client.iam.policy(role.name, client.policyName, signal);
    if (!policy.ok) return err(reasonOf(policy.fault));
    const standing = deniedBy(policy.value);
    let missing = members.filter((member) => !denies(standing, member.denial));
    if (missing.length === 0) continue;
    // oxlint-disable-next-line no-await-in-loop -- as above
    const overflow = await client.overflowPolicy?.read(role, signal);
    if (overflow?.ok === false && !overflow.fault.isBare) return err(overflow.fault.verdict.reason);
    if (overflow?.ok === true) missing = missing.filter(({ denial }) => !denies(overflow.value, denial));
    // oxlint-disable-next-line no-await-in-loop -- rare
    const gone = missing.length > 0 && policy.value === null && (await isRoleGone(client, role, signal));
    if (!gone) undone.push(...missing.map(({ lease }) => lease.id));
  }
  return ok(undone);
}

/** Its sessions went with it. */
async function isRoleGone(client: Client, role: Role, signal: AbortSignal): Promise<boolean> {
  const asked = await client.iam.roleMaxSeconds(role.name, signal);
  return !asked.ok && isAbsent(asked.fault);
}
