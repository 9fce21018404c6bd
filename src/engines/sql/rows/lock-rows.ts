/** Locks between nodes. A row stays when its lock is given back, so that its number only grows; names are few. */
import { addMillis, epochMillis } from "../../../kernel/time.ts";
import type { Answer } from "../../../ports/ledger.ts";
import type { Lock, LockHeld, TakeLock } from "../../../ports/ledger-commands.ts";
import { integer, text } from "../driver.ts";
import { answer, conflict, type Tx } from "../tx.ts";

export function takeLock(tx: Tx, { name, holder, hold }: TakeLock): Answer<Lock, LockHeld> {
  const row = tx.sql.get("SELECT holder, number, held_until FROM lock WHERE name = ?", name);
  const before = row === undefined ? null : { holder: text(row[0]), number: integer(row[1]), until: integer(row[2]) };
  const isHeld = before !== null && tx.now < before.until;
  if (isHeld && before.holder !== holder) return conflict({ reason: "held", heldUntil: epochMillis(before.until) });
  const number = (before?.number ?? 0) + (isHeld ? 0 : 1);
  const heldUntil = addMillis(tx.now, hold);
  tx.sql.run(
    `INSERT INTO lock (name, holder, number, held_until) VALUES (?, ?, ?, ?)
      ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, number = excluded.number, held_until = excluded.held_until`,
    name,
    holder,
    number,
    heldUntil,
  );
  tx.touch();
  return answer({ number, heldUntil }, tx.sequence());
}

export function releaseLock(tx: Tx, { name, holder }: Pick<TakeLock, "name" | "holder">): Answer<void, never> {
  const where = "name = ?2 AND holder = ?3 AND held_until > ?1 RETURNING name";
  const released = tx.sql.all(`UPDATE lock SET held_until = ?1 WHERE ${where}`, tx.now, name, holder);
  if (released.length > 0) tx.touch();
  return answer(undefined, tx.sequence());
}
