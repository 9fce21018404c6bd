/**
 * A refusal leaves a record when the caller is proven and registered: who asked for what, and why not. A stranger's
 * request writes nothing, so that nobody can fill the store by knocking; and a proven agent in a loop writes little:
 * the first refusals of an agent for one reason are entries of their own, the rest of the window is one count.
 * A crash loses at most the counts of one window; the metric has them all.
 */
import { attestationEvidence } from "../domain/identity.ts";
import type { Clock } from "../kernel/clock.ts";
import type { JsonObject } from "../kernel/canonical-json.ts";
import type { TaskId } from "../kernel/ids.ts";
import { maxRefusalsNoted, refusalWindowMillis } from "../kernel/limits.ts";
import { causeOf } from "./cause.ts";
import type { Fault } from "./fault.ts";
import type { BrokerParts, Caller } from "./parts.ts";

export interface RefusalNotes {
  note(caller: Caller, refused: Refused, fault: Fault): Promise<void>;
  /** Writes the counts of windows that are over. Called by every note and by the housekeeper. */
  closeWindows(): Promise<void>;
}

/** What was asked for, by the names that the caller gave. */
export interface Refused {
  readonly request: "exchange" | "open_task";
  readonly taskId: TaskId | null;
  readonly names: JsonObject;
}

type Parts = Pick<BrokerParts, "ledger" | "metrics"> & { readonly clock: Pick<Clock, "monotonicMillis"> };

/** Of one agent, request and reason. All are closed sets, named by policy and by this code: there are few. */
interface Window {
  readonly actor: string;
  readonly request: Refused["request"];
  readonly code: Fault["code"];
  readonly why: string;
  readonly endsAt: number;
  refused: number;
}

export function createRefusalNotes({ ledger, metrics, clock }: Parts): RefusalNotes {
  /** In the order in which they end, for all are of one length. */
  const windows = new Map<string, Window>();

  function count(caller: Caller, { request }: Refused, { code, why }: { code: Fault["code"]; why: string }): number {
    const { actor } = causeOf(caller);
    const key = `${actor} ${request} ${code} ${why}`;
    const endsAt = clock.monotonicMillis() + refusalWindowMillis;
    const window = windows.get(key) ?? { actor, request, code, why, endsAt, refused: 0 };
    windows.set(key, window);
    return (window.refused += 1);
  }

  async function closeWindows(): Promise<void> {
    const now = clock.monotonicMillis();
    for (const [key, window] of windows) {
      if (now < window.endsAt) return;
      windows.delete(key);
      const { actor, request, code, why, refused } = window;
      if (refused <= maxRefusalsNoted) continue;
      await ledger.appendAudit({
        type: "request.refused",
        taskId: null,
        leaseId: null,
        cause: { actor, requestId: null },
        data: { code, request, unlisted: refused - maxRefusalsNoted, why, window_seconds: refusalWindowMillis / 1000 },
      });
    }
  }

  return {
    async note(caller, refused, fault) {
      const why = "why" in fault ? fault.why : fault.code;
      const detail = "detail" in fault ? fault.detail : "";
      metrics.count("mayfly_decisions_total", { effect: "refused", reason: fault.code });
      // Nothing was decided about the caller: the store or a provider is in trouble.
      if (fault.code === "unavailable") return;
      await closeWindows();
      if (count(caller, refused, { code: fault.code, why }) > maxRefusalsNoted) return;
      await ledger.appendAudit({
        type: "request.refused",
        // A task that is not the caller's own gets no entry from it.
        taskId: fault.code === "not_found" ? null : refused.taskId,
        leaseId: null,
        cause: causeOf(caller, { attestation: attestationEvidence(caller.identity) }),
        data: { code: fault.code, detail, request: refused.request, why, ...refused.names },
      });
    },
    closeWindows,
  };
}
