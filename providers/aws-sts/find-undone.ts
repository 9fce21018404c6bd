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
import { sessionsByRole, type Member } from "./sessions-by-role.ts";

export async function findUndone(
  client: Client,
  { leases, now, signal }: UndoneRequest,
): Promise<Result<readonly LeaseId[], string>> {
  const undone: LeaseId[] = [];
  for (const { role, members } of sessionsByRole(leases.filter((lease) => now < lease.nativeExpiresAt))) {
    // oxlint-disable-next-line no-await-in-loop -- IAM takes few requests a second
    const missing = await notDeniedIn(client, role, members, signal);
    if (!missing.ok) return missing;
    undone.push(...missing.value.map(({ lease }) => lease.id));
  }
  return ok(undone);
}

async function notDeniedIn(
  client: Client,
  role: Role,
  members: readonly Member[],
  signal: AbortSignal,
): Promise<Result<readonly Member[], string>> {
  const policy = await client.iam.policy(role.name, client.policyName, signal);
  if (!policy.ok) return err(reasonOf(policy.fault));
  const standing = deniedBy(policy.value);
  const missing = members.filter(({ denial }) => !denies(standing, denial));
  if (missing.length === 0) return ok([]);
  if (policy.value === null && (await isRoleGone(client, role, signal))) return ok([]);
  const overflow = await client.overflowPolicy?.read(role, signal);
  if (overflow === undefined) return ok(missing);
  if (overflow.ok) return ok(missing.filter(({ denial }) => !denies(overflow.value, denial)));
  return overflow.fault.isBare ? ok(missing) : err(overflow.fault.verdict.reason);
}

/** Its sessions went with it. */
async function isRoleGone(client: Client, role: Role, signal: AbortSignal): Promise<boolean> {
  const asked = await client.iam.roleMaxSeconds(role.name, signal);
  return !asked.ok && isAbsent(asked.fault);
}
