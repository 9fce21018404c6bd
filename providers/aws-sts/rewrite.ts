/**
 * One write of a role's deny policy: list what the ledger keeps denied, build the whole, compare with what stands there,
 * put it, read it back. Each request ends before the lock does, so that no late one lands over a newer policy.
 */
import type { Lease } from "../../src/domain/lease.ts";
import type { Verdict } from "../../src/domain/verdict.ts";
import { epochMillis, millis, type EpochMillis } from "../../src/kernel/time.ts";
import type { ProviderLedger } from "../../src/ports/provider.ts";
import { notDenied, type AwsFault } from "./aws-fault.ts";
import { deniedBy, denyDocument, isSameDocument, type Denial, type DenyDocument } from "./deny-document.ts";
import { isAbsent, type Iam } from "./iam.ts";
import type { AwsStsOptions } from "./options.ts";
import type { Role } from "./role.ts";
import type { Room } from "./room.ts";
import { isSessionName } from "./session-name.ts";

export type Rewrite = (role: Role, wanted: readonly Denial[], signal: AbortSignal) => Promise<Rewritten>;

export type Rewritten =
  | {
      readonly kind: "stands";
      /** Since when a session is denied; undefined where it is not. */
      readonly since: (denial: Denial) => EpochMillis | undefined;
      /** When the last session of the policy ends by itself; null for an empty one. */
      readonly lastEndsAt: EpochMillis | null;
    }
  | { readonly kind: "role_gone" }
  | { readonly kind: "failed"; readonly verdict: Verdict };

/** One request to IAM. */
export const iamTimeoutMillis = millis(4_000);
const holdMillis = millis(20_000);
/** A put that was given up may still land for a moment. */
const lateMillis = 3_000;
/** Another node writes for a second or so. */
const heldAfter = millis(500);
/** IAM may answer a read from before the write. */
const readAgainAfter = millis(1_000);

interface Tools {
  readonly options: Pick<AwsStsOptions, "overflow">;
  readonly iam: Iam;
  readonly room: Room;
  readonly ledger: ProviderLedger;
  readonly policyName: string;
  readonly now: () => EpochMillis;
}
/** One role's policy while it is written. */
interface Write extends Tools {
  readonly role: Role;
  readonly signal: AbortSignal;
}
/** By session: since when it was seen denied without a gap. */
type Seen = ReadonlyMap<string, EpochMillis>;

export function createRewrite(tools: Tools): Rewrite {
  const seenOf = new Map<string, Seen>();

  async function rewrite(write: Write, wanted: readonly Denial[]): Promise<Rewritten> {
    const { role, now } = write;
    const lockedAt = now();
    const { denials, lastEndsAt } = await toDeny(write, wanted);
    const left = await write.room.left(role, write.signal);
    if (!left.ok) return failed(left.fault, "iam:ListRolePolicies and iam:GetRolePolicy");
    const before = await write.iam.policy(role.name, write.policyName, write.signal);
    if (!before.ok) return failed(before.fault, "iam:GetRolePolicy");
    const document = denyDocument(denials, {
      characters: left.value,
      overflow: write.options.overflow,
      standing: deniedBy(before.value).sessions,
    });
    // Without any room what stands there stays: it is better than nothing.
    const hasNothingBetter = document.text === null && denials.length > 0;
    if (!hasNothingBetter && !isSameDocument(before.value, document.text)) {
      if (now() > lockedAt + holdMillis - iamTimeoutMillis - lateMillis) return failedWith("lock_ends");
      const failure = await putAndReadBack(write, document);
      if (failure !== undefined) return failure;
    }
    const seen = seenNow(document, before.value, seenOf.get(role.arn), now());
    seenOf.set(role.arn, seen);
    return { kind: "stands", since: (denial) => sinceOf(denial, document, seen, now()), lastEndsAt };
  }

  return async (role, wanted, signal) => {
    const write = { ...tools, role, signal };
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
  const denials = [...wanted];
  let lastEndsAt: EpochMillis | null = null;
  for await (const lease of ledger.denied(role.name)) {
    const name = lease.handle["session_name"];
    if (!isSessionName(name) || hasEndedByItself(lease, now())) continue;
    denials.push({ sessionName: name, issuedBefore: lease.mintAbortAt });
    lastEndsAt = epochMillis(Math.max(lease.nativeExpiresAt, lastEndsAt ?? 0));
  }
  return { denials, lastEndsAt };
}

/** Nobody ended it early: its own policy does, and a denial would take room from others. */
const hasEndedByItself = ({ state, nativeExpiresAt }: Lease, now: EpochMillis): boolean =>
  now >= nativeExpiresAt && "cause" in state && state.cause === "expiry";

/** Undefined where the policy now stands there as wanted. */
async function putAndReadBack(write: Write, { text }: DenyDocument): Promise<Rewritten | undefined> {
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

async function afterFailedPut({ iam, room, role, signal }: Write, fault: AwsFault): Promise<Rewritten> {
  if (isAbsent(fault)) {
    // With the role its sessions are gone. Asked twice, for only this may be called a death.
    const asked = await iam.roleMaxSeconds(role.name, signal);
    return !asked.ok && isAbsent(asked.fault) ? { kind: "role_gone" } : failedWith("role_not_found");
  }
  if (fault.kind === "answered" && fault.code === "limit_exceeded") {
    // Somebody else took the room: the next write measures it.
    room.forget(role);
    return failedWith("deny_policy_full");
  }
  return failed(fault, "iam:PutRolePolicy");
}

/** A session that was not there before this write begins anew, also where it once was. */
function seenNow(document: DenyDocument, before: string | null, earlier: Seen | undefined, at: EpochMillis): Seen {
  const already = deniedBy(before).sessions;
  const seen = new Map<string, EpochMillis>();
  for (const name of deniedBy(document.text).sessions)
    seen.set(name, (already.has(name) ? earlier?.get(name) : undefined) ?? at);
  return seen;
}

function sinceOf(denial: Denial, { cutoff }: DenyDocument, seen: Seen, at: EpochMillis): EpochMillis | undefined {
  const isCutOff = cutoff !== null && denial.issuedBefore < cutoff;
  return seen.get(denial.sessionName) ?? (isCutOff ? at : undefined);
}

const failed = (fault: AwsFault, step: string): Rewritten => ({ kind: "failed", verdict: notDenied(fault, step) });

const failedWith = (reason: string, after = heldAfter): Rewritten => ({
  kind: "failed",
  verdict: { kind: "retry", reason, after },
});
