/**
 * The session name of a lease: the handle, chosen before mint. It stands in `aws:userid` behind the role's id, so a
 * denial by name ends every session that was ever made under it, also one whose answer was lost.
 */
import type { LeaseId } from "../../src/kernel/ids.ts";

/** What a role's trust policy can demand of `sts:RoleSessionName`. */
export const sessionPrefix = "jit-";
const sessionName = /^jit-[0-9a-hjkmnp-tv-z]{16}$/;

/**
 * Of the id the last ten digits of its growing number, which repeat after eight years, and its six random ones: short,
 * because each early kill takes that much of the room that a role has for policies.
 */
export const sessionNameOf = (leaseId: LeaseId): string =>
  `${sessionPrefix}${leaseId.slice(5, 15)}${leaseId.slice(17, 23)}`;

export const isSessionName = (text: unknown): text is string => typeof text === "string" && sessionName.test(text);
