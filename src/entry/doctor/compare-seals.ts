/** Whether the sealing ring can open what living credentials are sealed with. The start refuses a ring that cannot. */
import { missingSealingKey } from "../missing-sealing-key.ts";
import { fail, fine, warn, type Finding } from "./finding.ts";

export const sealsCheck = "sealed credentials";

/** `ring` are the ids of its keys; null without a usable one. */
export function compareSeals(needed: readonly string[], ring: readonly string[] | null): Finding {
  if (ring === null) return warn(sealsCheck, "not compared with the key ring", "make the key rings usable first");
  const lacking = missingSealingKey(needed, ring);
  if (lacking !== null) return fail(sealsCheck, `${lacking.setting} ${lacking.message}`, lacking.fix);
  return fine(sealsCheck, needed.length === 0 ? "there are none" : "the ring has the keys of all that live");
}
