/** Opens the ledger that `--ledger` names, and refuses one whose seals the key ring cannot open. */
import { openSqliteLedger } from "../engines/node-sqlite/open.ts";
import type { Clock } from "../kernel/clock.ts";
import { err, ok, type Result } from "../kernel/result.ts";
import type { Ledger } from "../ports/ledger.ts";
import type { Log } from "../ports/log.ts";
import type { Sealer } from "../ports/sealer.ts";
import type { ConfigFault } from "./config.ts";

export async function openStore(
  file: string,
  tools: { sealer: Sealer; clock: Clock; log: Log; onFatal: (reason: string) => void },
): Promise<Result<Ledger, ConfigFault>> {
  const { sealer, clock, log, onFatal } = tools;
  const opened = await openSqliteLedger({ file, clock, log, onFatal });
  if (!opened.ok) return err({ setting: "--ledger", message: opened.fault.message, fix: opened.fault.fix });
  const ledger = opened.value;
  await ledger.releaseLostClaims();
  const lacking = missingSealingKey(await ledger.sealedKeyIds(), sealer.keyIds());
  if (lacking === null) return ok(ledger);
  // A seal that cannot be opened is a credential that cannot be killed: better not to start.
  await ledger.close();
  return err(lacking);
}

/** `needed` are the keys that living credentials are sealed with. */
export function missingSealingKey(needed: readonly string[], present: readonly string[]): ConfigFault | null {
  const missing = needed.find((id) => !present.includes(id));
  if (missing === undefined) return null;
  return {
    setting: "MAYFLY_SEALING_KEYS",
    message: `lacks key ${missing}, which living credentials are sealed with`,
    fix: "put that key back into the ring; without it they could not be revoked",
  };
}
