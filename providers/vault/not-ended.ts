/** What an answer that ended nothing means for a kill: asked again for as long as it takes, or a person must help. */
import type { Verdict } from "../../src/domain/verdict.ts";
import { unreachable } from "../../src/kernel/unreachable.ts";
import { isDone, isPassing, says } from "./answers.ts";
import type { BrokerAnswer } from "./broker-call.ts";
import { faultWord } from "./fault-word.ts";

export function notEnded(answer: BrokerAnswer, path: string): Verdict {
  switch (answer.kind) {
    case "failed":
      return { kind: "retry", reason: answer.reason };
    case "no_login":
      if (answer.passing) return { kind: "retry", reason: answer.reason };
      return refused(
        answer.reason,
        "let the broker log in again: check its auth method, its role there and its secret",
      );
    case "answered": {
      const { status, retryAfter } = answer;
      const after = retryAfter === undefined ? {} : { after: retryAfter };
      if (says(answer, "sealed")) return { kind: "retry", reason: "sealed", ...after };
      if (isPassing(status)) return { kind: "retry", reason: `status_${status}`, ...after };
      if (isDone(answer) || (status >= 200 && status < 400)) return { kind: "retry", reason: "unreadable_answer" };
      if (status === 403)
        return refused("not_permitted", `give the broker's policy update on ${path}, as the provider's page lists it`);
      return { kind: "retry", reason: `status_${status}` };
    }
    default:
      return unreachable(answer);
  }
}

/** The kill may well stand; without a look nobody says so, and the look is repeated. */
export const notSeen = (answer: BrokerAnswer): Verdict => ({
  kind: "retry",
  reason: `not_verified_${faultWord(answer)}`,
  ...(answer.kind === "answered" && answer.retryAfter !== undefined ? { after: answer.retryAfter } : {}),
});

export const refused = (reason: string, fix: string): Verdict => ({ kind: "refused", reason, fix });
