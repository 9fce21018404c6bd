/** Why an object cannot be a broker: told once, in its log. Whoever asked learns only that there is none. */
import type { Log } from "../../ports/log.ts";
import type { ConfigFault } from "../parse-setting.ts";

export const wordsOf = ({ setting, message, fix }: ConfigFault): string => `${setting} ${message}: ${fix}`;

export function refused(log: Log, reason: string): Error {
  log.error("broker_not_composed", { reason });
  return new Error("the broker could not be composed; its log says why");
}
