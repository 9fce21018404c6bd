/** What was seen of providers. Names come from configuration, so there are few. */
import type { ProviderName } from "../../../domain/names.ts";
import { brand } from "../../../kernel/brand.ts";
import { epochMillis } from "../../../kernel/time.ts";
import type { Answer } from "../../../ports/ledger.ts";
import type { NoteProvider } from "../../../ports/ledger-commands.ts";
import type { ProviderNotes } from "../../../ports/ledger-views.ts";
import { integer, text, textOrNull, type SqlRow } from "../driver.ts";
import { answer, type Tx, type View } from "../tx.ts";

export function noteProvider(tx: Tx, { provider, seen }: NoteProvider): Answer<void, never> {
  tx.sql.run("INSERT OR IGNORE INTO provider (name) VALUES (?)", provider);
  if (seen.kind === "kill")
    tx.sql.run("UPDATE provider SET kill_digest = ?, kill_at = ? WHERE name = ?", seen.digest, tx.now, provider);
  else {
    const set = "reconciled_generation = ?, reconciled_at = ?";
    tx.sql.run(`UPDATE provider SET ${set} WHERE name = ?`, tx.store.generation, tx.now, provider);
  }
  tx.touch();
  return answer(undefined, tx.sequence());
}

export const listProviderNotes = ({ sql }: Pick<View, "sql">): readonly ProviderNotes[] =>
  sql
    .all("SELECT name, kill_digest, kill_at, reconciled_generation, reconciled_at FROM provider ORDER BY name")
    .map(notesFrom);

function notesFrom([name, digest, killAt, generation, reconciledAt]: SqlRow): ProviderNotes {
  const killDigest = textOrNull(digest);
  return {
    provider: brand<ProviderName>(text(name)),
    kill: killDigest === null ? null : { digest: killDigest, at: epochMillis(integer(killAt)) },
    reconciled:
      generation === null ? null : { generation: integer(generation), at: epochMillis(integer(reconciledAt)) },
  };
}
