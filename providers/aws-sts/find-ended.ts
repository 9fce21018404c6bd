/**
 * Which living leases lost their sessions to a cutoff that others made necessary. Looks at the role's policy itself, so
 * that it does not matter which node wrote it, or whether that node still runs.
 */
import type { LeaseId } from "../../src/kernel/ids.ts";
import { err, ok, type Result } from "../../src/kernel/result.ts";
import type { UndoneRequest } from "../../src/ports/provider.ts";
import { reasonOf } from "./aws-fault.ts";
import type { Client } from "./client.ts";
import { deniedBy } from "./deny-document.ts";
import { issuedAt } from "./handle.ts";
import { sessionsByRole } from "./sessions-by-role.ts";

export async function findEnded(
  { iam, policyName }: Client,
  { leases, now, signal }: UndoneRequest,
): Promise<Result<readonly LeaseId[], string>> {
  const ended: LeaseId[] = [];
  for (const { role, members } of sessionsByRole(leases.filter((lease) => now < lease.nativeExpiresAt))) {
    // oxlint-disable-next-line no-await-in-loop -- IAM takes few requests a second
    const policy = await iam.policy(role.name, policyName, signal);
    if (!policy.ok) return err(reasonOf(policy.fault));
    const { cutoff } = deniedBy(policy.value);
    if (cutoff === null) continue;
    ended.push(...members.filter(({ lease }) => issuedAt(lease) < cutoff).map(({ lease }) => lease.id));
  }
  return ok(ended);
}
