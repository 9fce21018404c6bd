/** How much of what was answered may be lost with a Redis server: nothing, unless an operator says so. */
import type { AcceptedLoss } from "../engines/redis/connection/durability.ts";
import { err, ok, type Result } from "../kernel/result.ts";
import type { ConfigFault } from "./parse-setting.ts";

export function parseAcceptLoss(setting: string, text: string | undefined): Result<AcceptedLoss, ConfigFault> {
  if (text === undefined || text === "") return ok(null);
  if (text === "all") return ok("all");
  if (/^\d{1,6}$/.test(text)) return ok(Number(text));
  return err({ setting, message: "is not a number of seconds", fix: "write whole seconds, as in 2, or `all`" });
}

interface Choice {
  readonly mode: "production" | "development";
  readonly acceptedLoss: AcceptedLoss;
}

/** Development accepts any loss. */
export const demandOf = ({ mode, acceptedLoss }: Choice) => (mode === "production" ? { acceptedLoss } : null);
