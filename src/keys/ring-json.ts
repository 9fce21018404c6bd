/**
 * Reads the JSON text of a key ring strictly. A ring with a mistake must stop the start: half a ring would leave
 * sealed rows that cannot be opened, or tokens that nobody can verify. Faults never quote the text.
 */
import { err, ok, type Result } from "../kernel/result.ts";
import type { Redacted } from "../kernel/redacted.ts";
import type { KeyRingFault } from "./fault.ts";

const maxRingBytes = 64 * 1024;

export type Members = Readonly<Record<string, unknown>>;

export function parseRingJson(text: Redacted): Result<Members, KeyRingFault> {
  const json = text.reveal();
  if (json.length > maxRingBytes) return fault("", `is longer than ${maxRingBytes} characters`);
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return fault("", "is not JSON");
  }
  if (!isMembers(value)) return fault("", "must be a JSON object");
  // JSON.parse keeps the last of two members of one name; what it dropped shows as a difference in length.
  if (JSON.stringify(value).length !== json.replace(/\s/g, "").length)
    return fault("", "repeats a member, or writes one with escapes or an unusual number");
  return ok(value);
}

export const isMembers = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The first member that is not one of `known`. */
export function unknownMember(members: Members, known: readonly string[]): string | undefined {
  return Object.keys(members).find((name) => !known.includes(name));
}

export const fault = (path: string, message: string): Result<never, KeyRingFault> => err({ path, message });
