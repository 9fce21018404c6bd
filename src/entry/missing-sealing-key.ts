/** A seal that cannot be opened is a credential that cannot be killed: better not to start. */
import type { ConfigFault } from "./parse-setting.ts";

/** `needed` are the keys that living credentials are sealed with. */
export function missingSealingKey(needed: readonly string[], present: readonly string[]): ConfigFault | null {
  const missing = needed.find((id) => !present.includes(id));
  if (missing === undefined) return null;
  return {
    setting: "MAYFLY_SEALING_KEYS",
    message: `lacks key ${missing}, which living credentials are sealed with`,
    fix: "put that key back into the ring; without it they could not be revoked",
  };
}
