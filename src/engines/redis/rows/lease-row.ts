/** A lease from its hash and the shared names. The texts were written by this engine; they are trusted back as such. */
import type { DeadVerdict, Dying, KillCause, Lease, LeaseState, LeaseStateKind } from "../../../domain/lease.ts";
import type { VerdictKind } from "../../../domain/verdict.ts";
import { brand } from "../../../kernel/brand.ts";
import type { JsonObject } from "../../../kernel/canonical-json.ts";
import type { Fingerprint } from "../../../kernel/digest.ts";
import type { LeaseId, TaskId } from "../../../kernel/ids.ts";
import { unreachable } from "../../../kernel/unreachable.ts";
import type { RecordIntent } from "../../../ports/ledger-commands.ts";
import { textOf, type Reply } from "../script.ts";
import { fieldsOf, type Fields } from "./fields.ts";

type Named = Pick<RecordIntent["lease"], StandingName>;
type StandingName = "agent" | "issuer" | "template" | "provider" | "target" | "providerDigest" | "nativeExpiry";

/** The names that many leases share, as scripts keep them; they put agent and issuer of the task behind. */
export const standingText = (lease: Named): string =>
  JSON.stringify([
    lease.agent,
    lease.issuer,
    lease.template,
    lease.provider,
    lease.target,
    lease.providerDigest,
    lease.nativeExpiry,
  ]);

export interface LeaseRow {
  readonly lease: Lease;
  readonly intentSequence: number;
  readonly settledSequence: number | null;
}

/** `reply` is one text: the shared names and the fields, as JSON. */
export function leaseFrom(reply: Reply | undefined): LeaseRow {
  const [names, values] = JSON.parse(textOf(reply)) as readonly [readonly string[], Readonly<Record<string, Reply>>];
  const [agent, issuer, template, provider, target, providerDigest, nativeExpiry] = names;
  const fields = fieldsOf(new Map(Object.entries(values)));
  return {
    lease: {
      id: brand<LeaseId>(fields.text("id")),
      taskId: brand<TaskId>(fields.text("t")),
      agent: brand(agent ?? ""),
      issuer: brand(issuer ?? ""),
      template: brand(template ?? ""),
      provider: brand(provider ?? ""),
      target: brand(target ?? ""),
      providerDigest: providerDigest ?? "",
      createdAt: fields.instant("c"),
      mintAbortAt: fields.instant("ma"),
      expiresAt: fields.instant("ea"),
      nativeExpiresAt: fields.instant("na"),
      nativeExpiry: nativeExpiry as Lease["nativeExpiry"],
      handle: JSON.parse(fields.text("h")) as JsonObject,
      sealed: fields.optionalText("se"),
      fingerprint: fields.optionalText("fp") as Fingerprint | null,
      provenAlive: fields.has("pa"),
      state: stateFrom(fields),
    },
    intentSequence: fields.number("qi"),
    settledSequence: fields.optionalNumber("qs"),
  };
}

function stateFrom(fields: Fields): LeaseState {
  const kind = fields.text("k") as LeaseStateKind;
  switch (kind) {
    case "intended":
      return { kind };
    case "active":
      return { kind, activatedAt: fields.instant("at") };
    case "revoking":
      return {
        kind,
        ...dyingFrom(fields),
        outcomeUnknown: fields.has("ou"),
        usableUntil: fields.has("uu") ? fields.instant("uu") : null,
      };
    case "stuck":
      return { kind, ...dyingFrom(fields), outcomeUnknown: fields.has("ou"), fix: fields.text("fx") };
    case "revoked":
      return { kind, deadAt: fields.instant("at"), verdict: fields.text("v") as DeadVerdict, ...orderFrom(fields) };
    case "expired":
      return { kind, deadAt: fields.instant("at"), ...orderFrom(fields) };
    case "mint_failed":
      return { kind, deadAt: fields.instant("at"), reason: fields.text("lr") };
    default:
      return unreachable(kind);
  }
}

const orderFrom = (fields: Fields): Pick<Dying, "cause" | "killOrderedAt"> => ({
  cause: fields.text("kc") as KillCause,
  killOrderedAt: fields.instant("ko"),
});

const dyingFrom = (fields: Fields): Dying => ({
  ...orderFrom(fields),
  attempts: fields.number("n"),
  dueAt: fields.instant("d"),
  lastVerdict: fields.optionalText("lv") as VerdictKind | null,
  lastReason: fields.optionalText("lr"),
});
