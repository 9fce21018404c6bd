/**
 * The child's side of an actor: a process that is pinned to a core and told over its channel what to do. It ends when
 * its parent is gone, however that happened.
 */
import { isMessage, type ActorAnswer } from "./messages.ts";

export type Handlers = Readonly<Record<string, (argument: never) => unknown>>;

export function serveActor(handlers: Handlers): void {
  process.on("message", (message) => void answer(handlers, message));
  process.on("disconnect", () => process.exit(0));
  // A terminal sends Ctrl-C to everyone; the parent decides when an actor ends.
  process.on("SIGINT", () => {});
  tell({ kind: "ready" });
}

async function answer(handlers: Handlers, message: unknown): Promise<void> {
  if (!isMessage(message)) return;
  const handler = handlers[message.name];
  try {
    if (handler === undefined) throw new Error(`no handler ${message.name}`);
    tell({ kind: "done", id: message.id, value: (await handler(message.argument as never)) ?? null });
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    tell({ kind: "failed", id: message.id, error: text });
  }
}

/** An event that no request asked for. */
export const tellEvent = (name: string, value: unknown): void => tell({ kind: "event", name, value });

function tell(answerOrEvent: ActorAnswer): void {
  if (process.connected) process.send?.(answerOrEvent);
}
