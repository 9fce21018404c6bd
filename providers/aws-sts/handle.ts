/** What a lease keeps of its session: the role, the name that it is denied by, and when it was issued. */
import type { Lease } from "../../src/domain/lease.ts";
import type { Json, JsonObject } from "../../src/kernel/canonical-json.ts";
import { epochMillis, type EpochMillis } from "../../src/kernel/time.ts";
import type { Denial } from "./deny-plan.ts";
import { parseRole, type Role } from "./role.ts";
import { isSessionName } from "./session-name.ts";

export function parseHandle(handle: JsonObject): { readonly role: Role; readonly sessionName: string } | undefined {
  const { role: arn, session_name: sessionName } = handle;
  const role = typeof arn === "string" ? parseRole(arn) : undefined;
  return role?.ok === true && isSessionName(sessionName) ? { role: role.value, sessionName } : undefined;
}

export function denialOf({ handle, mintAbortAt }: Pick<Lease, "handle" | "mintAbortAt">, sessionName: string): Denial {
  return { sessionName, issuedBefore: instantIn(handle["issued_before"]) ?? mintAbortAt };
}

/** By AWS's clock, or before that by ours: what a cutoff compares. */
export const issuedAt = ({ handle, createdAt }: Pick<Lease, "handle" | "createdAt">): EpochMillis =>
  instantIn(handle["issued_at"]) ?? createdAt;

const instantIn = (value: Json | undefined): EpochMillis | undefined =>
  typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? epochMillis(value) : undefined;
