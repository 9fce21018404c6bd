/**
 * One write of a role's denials: list what the ledger keeps denied, build the whole, compare with what stands there, put
 * it, read it back; what the role's own policy has no room for goes into its overflow policy. Each request ends before
 * the lock does, so that no late one lands over a newer policy.
 */
import type { Lease } from "../../src/domain/lease.ts";
import type { Verdict } from "../../src/domain/verdict.ts";
import { err, ok, type Result } from "../../src/kernel/result.ts";
import { epochMillis, millis, type EpochMillis } from "../../src/kernel/time.ts";
import type { ProviderLedger } from "../../src/ports/provider.ts";
import { notDenied, type AwsFault } from "./aws-fault.ts";
import { deniedSince, iamTimeoutMillis, lateMillis, type DeniedSince } from "./denied-since.ts";
import { deniedBy, denyText, inlineSid, isSameDocument, type Standing } from "./deny-document.ts";
import { planDenials, type Denial, type DenyPlan } from "./deny-plan.ts";
import { denialOf } from "./handle.ts";
import { isAbsent, type Iam } from "./iam.ts";
import type { AwsStsOptions } from "./options.ts";
import type { Overflow } from "./overflow.ts";
import type { Role } from "./role.ts";
import type { Room } from "./room.ts";
import { isSessionName } from "./session-name.ts";

export type Rewrite = (role: Role, wanted: readonly Denial[], signal: AbortSignal) => Promise<Rewritten>;

export type Rewritten =
  | {
      readonly kind: "stands";
      /** Since when a session is denied; undefined where it is not. */
      readonly since: (denial: Denial) => EpochMillis | undefined;
      /** Of those that are not. */
      readonly uncovered: Verdict;
      /** When the last session of the policy ends by itself; null for an empty one. */
      readonly lastEndsAt: EpochMillis | null;
    }
  | { readonly kind: "role_gone" }
  | { readonly kind: "failed"; readonly verdict: Verdict };

type NotWritten = Exclude<Rewritten, { kind: "stands" }>;

const holdMillis = millis(20_000);
/** Another node writes for a second or so. */
const heldAfter = millis(500);
/** IAM may answer a read from before the write. */
const readAgainAfter = millis(1_000);

interface Tools {
  readonly options: Pick<AwsStsOptions, "overflow">;
  readonly iam: Iam;
  readonly room: Room;
  readonly overflow: Overflow;
  readonly ledger: ProviderLedger;
  readonly policyName: string;
  readonly now: () => EpochMillis;
}
/** One role's policies while they are written. */
interface Write extends Tools {
  readonly role: Role;
  readonly signal: AbortSignal;
  /** After it nothing is changed any more. */
  readonly lastPutAt: EpochMillis;
}

export function createRewrite(tools: Tools): Rewrite {
  const sinceOf = new Map<string, DeniedSince>();

  async function rewrite(write: Write, wanted: readonly Denial[]): Promise<Rewritten> {
    const { role, now, signal } = write;
    const { denials, lastEndsAt } = await toDeny(write, wanted);
    const left = await write.room.left(role, signal);
    if (!left.ok) return ofRole(write, left.fault, "iam:ListRolePolicies and iam:GetRolePolicy");
    const before = await write.iam.policy(role.name, write.policyName, signal);
    if (!before.ok) return failed(before.fault, "iam:GetRolePolicy");
    const standing = deniedBy(before.value);
    const need = { role, denials: denials.length, characters: left.value };
    const overflow = await write.overflow.begin(need, signal);
    const plan = planDenials(denials, {
      characters: left.value,
      overflow: overflow.sessions,
      // A fault that passes ends nobody's living sessions.
      mayCutOff: write.options.overflow === "cutoff" && overflow.failure?.kind !== "retry",
      standing: { inline: standing, overflow: overflow.standing },
    });
    const own = await writeOwn(write, { plan, before: before.value, standing });
    if (!own.ok) return own.fault;
    const spilled = await overflow.write(plan.overflow, { now: now(), lastPutAt: write.lastPutAt }, signal);
    const look = { before: [standing, overflow.standing], after: [own.value, spilled.standing], at: now() };
    const since = deniedSince(denials, look, sinceOf.get(role.arn));
    sinceOf.set(role.arn, since);
    const uncovered = spilled.failure ?? overflow.failure ?? noRoom;
    return { kind: "stands", since: ({ sessionName }) => since.get(sessionName), uncovered, lastEndsAt };
  }

  return async (role, wanted, signal) => {
    const lastPutAt = epochMillis(tools.now() + holdMillis - iamTimeoutMillis - lateMillis);
    const write = { ...tools, role, signal, lastPutAt };
    try {
      const written = await tools.ledger.exclusively(`deny:${role.name}`, holdMillis, () => rewrite(write, wanted));
      if (written.ok) return written.value;
      return failedWith(written.fault === "held" ? "written_by_another_node" : "ledger_unknown");
    } catch {
      return failedWith("ledger_unavailable");
    }
  };
}

/** Those that the ledger keeps denied, and those that are asked for, which it may show a moment later. */
async function toDeny({ ledger, role, now }: Write, wanted: readonly Denial[]) {
  const denials = new Map(wanted.map((denial) => [denial.sessionName, denial]));
  let lastEndsAt: EpochMillis | null = null;
  for await (const lease of ledger.denied(role.name)) {
    const name = lease.handle["session_name"];
    if (!isSessionName(name) || hasEndedByItself(lease, now())) continue;
    denials.set(name, denialOf(lease, name));
    lastEndsAt = epochMillis(Math.max(lease.nativeExpiresAt, lastEndsAt ?? 0));
  }
  return { denials: [...denials.values()], lastEndsAt };
}

/** Nobody ended it early: its own policy does, and a denial would take room from others. */
const hasEndedByItself = ({ state, nativeExpiresAt }: Lease, now: EpochMillis): boolean =>
  now >= nativeExpiresAt && "cause" in state && state.cause === "expiry";

interface OwnPolicy {
  readonly plan: DenyPlan;
  readonly before: string | null;
  readonly standing: Standing;
}

/** The role's own policy as it stands afterwards, or why it does not. */
async function writeOwn(write: Write, { plan, before, standing }: OwnPolicy): Promise<Result<Standing, NotWritten>> {
  const { inline: names, cutoff } = plan;
  const isMore = names.some((name) => !standing.sessions.has(name)) || (cutoff ?? 0) > (standing.cutoff ?? 0);
  const addedAt = isMore ? write.now() : (standing.addedAt ?? write.now());
  const isEmpty = names.length === 0 && cutoff === null;
  const stands = { sessions: new Set(names), cutoff, addedAt };
  if (cutoff !== null) write.room.cutOff(write.role, cutoff);
  // Without any room what stands there stays: it is better than nothing.
  if (isEmpty && plan.overflow.length + plan.uncovered.length > 0) return ok(stands);
  const text = isEmpty ? null : denyText({ names, cutoff, addedAt }, inlineSid);
  if (isSameDocument(before, text)) return ok(stands);
  if (write.now() > write.lastPutAt) return err(failedWith("lock_ends"));
  const failure = await putAndReadBack(write, text);
  return failure === undefined ? ok(stands) : err(failure);
}

/** Undefined where the policy now stands there as wanted. */
async function putAndReadBack(write: Write, text: string | null): Promise<NotWritten | undefined> {
  const { iam, role, policyName, signal } = write;
  const put =
    text === null
      ? await iam.deletePolicy(role.name, policyName, signal)
      : await iam.putPolicy(role.name, policyName, text, signal);
  if (!put.ok) return afterFailedPut(write, put.fault);
  const back = await iam.policy(role.name, policyName, signal);
  if (!back.ok) return failed(back.fault, "iam:GetRolePolicy");
  return isSameDocument(back.value, text) ? undefined : failedWith("not_read_back", readAgainAfter);
}

async function afterFailedPut(write: Write, fault: AwsFault): Promise<NotWritten> {
  if (fault.kind === "answered" && fault.code === "limit_exceeded") {
    // Somebody else took the room: the next write measures it.
    write.room.forget(write.role);
    return failedWith("deny_policy_full");
  }
  return ofRole(write, fault, "iam:PutRolePolicy");
}

/** With the role its sessions are gone. Asked twice, for only this may be called a death. */
async function ofRole({ iam, role, signal }: Write, fault: AwsFault, step: string): Promise<NotWritten> {
  if (!isAbsent(fault)) return failed(fault, step);
  const asked = await iam.roleMaxSeconds(role.name, signal);
  return !asked.ok && isAbsent(asked.fault) ? { kind: "role_gone" } : failedWith("role_not_found");
}

const failed = (fault: AwsFault, step: string): NotWritten => ({ kind: "failed", verdict: notDenied(fault, step) });

const failedWith = (reason: string, after = heldAfter): NotWritten => ({
  kind: "failed",
  verdict: { kind: "retry", reason, after },
});

const noRoom: Verdict = {
  kind: "refused",
  reason: "deny_policy_full",
  fix: "make room in the role's inline policies (10,240 characters in all), name an overflowPolicy, or set overflow: cutoff, which ends all its older sessions",
};
