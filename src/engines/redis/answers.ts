/** From a script's reply to the port's answer. What is not an answer at all is `unknown`: it may have been applied. */
import type { Cause } from "../../domain/audit-entry.ts";
import { canonicalJson } from "../../kernel/canonical-json.ts";
import type { Answer } from "../../ports/ledger.ts";
import type { Log } from "../../ports/log.ts";
import { codeOf } from "./connection/open-fault.ts";
import { textOf, type Reply, type ScriptReply } from "./script.ts";

export const answer = <T>(value: T, sequence: number): Answer<T, never> => ({ kind: "ok", value, sequence });

/** Runs a verb; a server that does not answer, or answers with an error, leaves its outcome unknown. */
export async function orUnknown<T, C>(log: Log, verb: string, run: () => Promise<Answer<T, C>>): Promise<Answer<T, C>> {
  try {
    return await run();
  } catch (error) {
    const code = codeOf(error);
    log.warn("ledger_unknown", { verb, code });
    return { kind: "unknown", reason: code };
  }
}

/** The conflict of a reply by the first text of its payload. */
export function conflictOf<C>(
  reply: ScriptReply,
  read: (reason: string, rest: readonly Reply[]) => C,
): Answer<never, C> {
  const [reason, ...rest] = reply.payload;
  return { kind: "conflict", conflict: read(textOf(reason), rest) };
}

/** A cause as a command carries it: the evidence stays text. */
export const causeCommand = ({ actor, requestId, evidence }: Cause): object => ({
  actor,
  requestId: requestId ?? undefined,
  evidence: evidence === undefined ? undefined : canonicalJson(evidence),
});

/** A conflict without a payload of its own. */
export const plain =
  <const C extends { readonly reason: string }>(...known: readonly C[]) =>
  (reason: string): C => {
    const found = known.find((conflict) => conflict.reason === reason);
    if (found === undefined) throw new Error(`a conflict that this verb does not know: ${reason}`);
    return found;
  };
