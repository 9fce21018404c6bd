/** Locks between nodes. A row stays when its lock is given back, so that its number only grows. */
import { addMillis } from "../../kernel/time.ts";
import type { Answer } from "../../ports/ledger.ts";
import type { Lock, LockHeld, TakeLock } from "../../ports/ledger-commands.ts";
import { conflict, lastSequence, ok, touch, type Model } from "./model.ts";

export function takeLock(model: Model, { name, holder, hold }: TakeLock): Answer<Lock, LockHeld> {
  const now = model.time.now();
  const row = model.state.locks.get(name);
  const isHeld = row !== undefined && now < row.heldUntil;
  if (isHeld && row.holder !== holder) return conflict({ reason: "held", heldUntil: row.heldUntil });
  const number = isHeld ? row.number : (row?.number ?? 0) + 1;
  const heldUntil = addMillis(now, hold);
  model.state.locks.set(name, { holder, number, heldUntil });
  touch(model, now);
  return ok({ number, heldUntil }, lastSequence(model));
}

export function releaseLock(model: Model, command: Pick<TakeLock, "name" | "holder">): Answer<void, never> {
  const { name, holder } = command;
  const now = model.time.now();
  const row = model.state.locks.get(name);
  if (row !== undefined && row.holder === holder && now < row.heldUntil) {
    model.state.locks.set(name, { ...row, heldUntil: now });
    touch(model, now);
  }
  return ok(undefined, lastSequence(model));
}
