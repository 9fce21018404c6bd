/**
 * `Prefer: wait=N` (RFC 7240 §4.3). A preference that makes no sense is ignored, as the RFC demands; of several with
 * one name the first counts. Waits longer than the bound are shortened, and the answer tells what was applied.
 */
import { maxWaitSeconds } from "../kernel/limits.ts";
import { seconds, type Seconds } from "../kernel/time.ts";

export interface Wait {
  readonly seconds: Seconds;
  /** `Preference-Applied` (RFC 7240 §3), empty where nothing was preferred. */
  readonly headers: Readonly<Record<string, string>>;
}

const none: Wait = { seconds: seconds(0), headers: {} };
const waitPreference = /^wait\s*=\s*(?:"(\d{1,9})"|(\d{1,9}))$/i;

export function waitPreferred(prefer: string | undefined): Wait {
  if (prefer === undefined) return none;
  const first = prefer
    .split(",")
    .map((preference) => (preference.split(";")[0] ?? "").trim())
    .find((preference) => /^wait\s*(?:=|$)/i.test(preference));
  const match = waitPreference.exec(first ?? "");
  const asked = match?.[1] ?? match?.[2];
  if (asked === undefined) return none;
  const applied = Math.min(Number(asked), maxWaitSeconds);
  return { seconds: seconds(applied), headers: { "Preference-Applied": `wait=${applied}` } };
}
