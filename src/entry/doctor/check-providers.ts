/** Each provider: whether the broker reaches it with its own credentials, and whether its kill was ever seen to work. Changes nothing there. */
import { killRecordOf, type KillRecord } from "../../broker/operate/kill-records.ts";
import type { ProviderName } from "../../domain/names.ts";
import { unreachable } from "../../kernel/unreachable.ts";
import { toRfc3339 } from "../../kernel/time.ts";
import type { ProviderPair } from "../provider-registry.ts";
import { fail, fine, warn, type Finding, type LedgerFindings } from "./finding.ts";

/** As long as a mint may take: what is slower could not issue either. */
const timeoutMillis = 15_000;

export async function checkProvider(name: string, pair: ProviderPair): Promise<Finding> {
  const check = `provider ${name}`;
  try {
    const answer = await pair.revoking.check(AbortSignal.timeout(timeoutMillis));
    return answer.ok
      ? fine(check, `${pair.revoking.type} answers`)
      : fail(
          check,
          answer.fault,
          `mend that (providers/${pair.revoking.type}/README.md); its credentials cannot be revoked meanwhile`,
        );
  } catch {
    return fail(check, "its check failed unexpectedly", "report this as a bug of the provider");
  }
}

/** Without notes nothing is said: the ledger is not there yet, or has its own finding. */
export const checkKills = (
  pairs: ReadonlyMap<ProviderName, ProviderPair>,
  notes: LedgerFindings["notes"],
): readonly Finding[] =>
  notes === null
    ? []
    : [...pairs].map(([name, { revoking }]) => {
        const note = notes.find(({ provider }) => provider === name);
        return killFinding(name, killRecordOf(revoking, note));
      });

function killFinding(name: ProviderName, record: KillRecord): Finding {
  const check = `kill of ${name}`;
  switch (record.kind) {
    case "seen":
      return fine(check, `seen to work at ${toRfc3339(record.at)}`);
    case "cannot_be_seen":
      return fine(check, "cannot be observed; the provider's word is believed");
    case "not_seen":
      return warn(check, "was never seen to work", `run mayfly provider test ${name} --template NAME on the broker`);
    default:
      return unreachable(record);
  }
}
