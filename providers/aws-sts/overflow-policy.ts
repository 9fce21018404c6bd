/**
 * The managed policy that takes the denials for which a role's own policies have no room. An operator made it and
 * attached it to the role; the broker writes versions of it and nothing else, and only where it holds this provider's
 * denials or an operator's empty list: whatever else stands there is somebody's rights, and is left alone.
 */
import { err, ok, type Result } from "../../src/kernel/result.ts";
import { millis, type EpochMillis } from "../../src/kernel/time.ts";
import type { ProviderTools } from "../../src/ports/provider.ts";
import { notDenied, type AwsFault, type AwsThing, type NotDenied } from "./aws-fault.ts";
import { deniedBy, denyText, isSameDocument, sidOf, type Standing } from "./deny-document.ts";
import { isAbsent } from "./iam.ts";
import type { ManagedPolicies, PolicyVersion } from "./managed-policies.ts";
import type { Role } from "./role.ts";

export interface OverflowPolicy {
  arnFor(role: Role): string;
  read(role: Role, signal: AbortSignal): Promise<Result<OverflowStanding, OverflowFault>>;
  /** Ends when it was read back; two requests that change something at most, one after the other. */
  write(change: OverflowChange, signal: AbortSignal): Promise<Result<void, NotDenied>>;
}
export interface OverflowStanding extends Standing {
  readonly versions: readonly PolicyVersion[];
  readonly text: string;
}
export interface OverflowFault {
  /** AWS said so: nothing that the broker wrote is in force there. */
  readonly isBare: boolean;
  readonly verdict: NotDenied;
}
export interface OverflowChange {
  readonly role: Role;
  readonly names: readonly string[];
  readonly addedAt: EpochMillis;
  readonly from: OverflowStanding;
}

/** How an operator marks a new one. */
export const emptyOverflowSid = "MayflyOverflow";
const maxVersions = 5;
/** IAM may answer a read from before the write. */
const readAgainAfter = millis(1_000);

export function createOverflowPolicy(tools: {
  readonly pattern: string;
  readonly policies: ManagedPolicies;
  readonly owner: string;
}): OverflowPolicy {
  const { pattern, policies, owner: sid } = tools;
  const arnFor = ({ name }: Role): string => pattern.replace("{role}", name);

  /** The version that counts, whoever made it so. */
  async function standing(arn: string, signal: AbortSignal): Promise<Result<OverflowStanding, AwsFault>> {
    const versions = await policies.versions(arn, signal);
    if (!versions.ok) return versions;
    const inForce = versions.value.find(({ isDefault }) => isDefault);
    if (inForce === undefined) return err({ kind: "unreadable" });
    const text = await policies.text(arn, inForce.id, signal);
    return text.ok ? ok({ ...deniedBy(text.value), text: text.value, versions: versions.value }) : text;
  }

  return {
    arnFor,
    async read(role, signal) {
      const arn = arnFor(role);
      const attached = await policies.isAttached(role.name, arn, signal);
      if (!attached.ok) return err(notRead(attached.fault, "iam:ListAttachedRolePolicies", "role"));
      if (!attached.value) return err({ isBare: true, verdict: notAttached(role, arn) });
      const found = await standing(arn, signal);
      if (!found.ok) return err(notRead(found.fault, "iam:ListPolicyVersions and iam:GetPolicyVersion", "policy"));
      return isOurs(found.value, sid) ? found : err({ isBare: true, verdict: notOurs(arn) });
    },
    async write({ role, names, addedAt, from }, signal) {
      const text = denyText({ names, cutoff: null, addedAt }, sid);
      if (isSameDocument(from.text, text)) return ok();
      const arn = arnFor(role);
      const oldest = from.versions.length < maxVersions ? undefined : oldestOf(from.versions);
      if (oldest !== undefined) {
        const deleted = await policies.deleteVersion(arn, oldest.id, signal);
        if (!deleted.ok) return err(notDenied(deleted.fault, "iam:DeletePolicyVersion", "policy"));
      }
      const replaced = await policies.replace(arn, text, signal);
      if (!replaced.ok) return err(notReplaced(replaced.fault));
      const back = await standing(arn, signal);
      if (!back.ok) return err(notDenied(back.fault, "iam:ListPolicyVersions and iam:GetPolicyVersion", "policy"));
      if (isSameDocument(back.value.text, text)) return ok();
      return err({ kind: "retry", reason: "overflow_policy_not_read_back", after: readAgainAfter });
    },
  };
}

/** Somebody else made versions meanwhile: the next write looks at them. */
const notReplaced = (fault: AwsFault): NotDenied =>
  fault.kind === "answered" && fault.code === "limit_exceeded"
    ? { kind: "retry", reason: "overflow_policy_full", after: readAgainAfter }
    : notDenied(fault, "iam:CreatePolicyVersion", "policy");

/** In the Sid, which takes letters and digits only: whose denials these are. */
export const overflowOwner = ({ name, ledger }: Pick<ProviderTools, "name" | "ledger">): string =>
  `${emptyOverflowSid}${ledger.mark}${name.replaceAll("-", "X").replaceAll(".", "Y")}At`;

function isOurs({ text, sessions }: OverflowStanding, owner: string): boolean {
  const sid = sidOf(text);
  return sid === owner || (sid === emptyOverflowSid && sessions.size === 0);
}

/** By number: `v9` is older than `v10`. */
function oldestOf(versions: readonly PolicyVersion[]): PolicyVersion | undefined {
  const numberOf = ({ id }: PolicyVersion): number => Number(/^v(\d+)/.exec(id)?.[1] ?? 0);
  return versions
    .filter(({ isDefault }) => !isDefault)
    .toSorted((left, right) => numberOf(left) - numberOf(right))
    .at(0);
}

const notRead = (fault: AwsFault, step: string, on: AwsThing): OverflowFault => ({
  isBare: on === "policy" && isAbsent(fault),
  verdict: notDenied(fault, step, on),
});

const notAttached = ({ name }: Role, arn: string): NotDenied => ({
  kind: "refused",
  reason: "overflow_policy_not_attached",
  fix: `attach ${arn} to the role ${name}`,
});

const notOurs = (arn: string): NotDenied => ({
  kind: "refused",
  reason: "overflow_policy_not_ours",
  fix: `${arn} holds something else than this provider's denials: make it anew with the empty list of the provider's page`,
});
