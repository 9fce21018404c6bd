/** Runs verbs and reads against a model until it is stopped, and rings for what a verb made due. */
import type { EpochMillis } from "../../kernel/time.ts";
import type { Answer } from "../../ports/ledger.ts";
import type { Model } from "./model.ts";
import { dueWork } from "./sweep.ts";

type Unknown = Extract<Answer<never, never>, { kind: "unknown" }>;
type DueListener = (dueAt: EpochMillis) => void;

export function createRunner(model: Model) {
  const listeners: DueListener[] = [];
  let stopped = false;

  /** A hint may come too often, never too late. */
  const ring = (): void => {
    const { now, targets, sweep, nextAt } = dueWork(model);
    const dueAt = sweep || targets.length > 0 ? now : nextAt;
    if (dueAt !== null) for (const listener of listeners) listener(dueAt);
  };

  return {
    verb:
      <C, A extends { readonly kind: string }>(run: (model: Model, command: C) => A) =>
      async (command: C): Promise<A | Unknown> => {
        if (stopped) return { kind: "unknown", reason: "stopped" };
        const answer = run(model, command);
        if (answer.kind === "ok") ring();
        return answer;
      },
    read:
      <Q extends readonly unknown[], V>(run: (model: Model, ...query: Q) => V) =>
      async (...query: Q): Promise<V> => {
        if (stopped) throw new Error("the ledger is closed");
        return run(model, ...query);
      },
    onDue: (listener: DueListener): void => void listeners.push(listener),
    isStopped: (): boolean => stopped,
    stop: async (): Promise<void> => void (stopped = true),
  };
}
