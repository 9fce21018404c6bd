/** A failed request in one short word of our own. */
import type { BrokerAnswer } from "./broker-call.ts";

export const faultWord = (answer: BrokerAnswer): string =>
  answer.kind === "answered" ? `status_${answer.status}` : answer.reason;
