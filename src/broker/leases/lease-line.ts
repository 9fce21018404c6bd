/** A line of a report: what the lease says of itself, and whether its provider was ever seen to kill at all. */
import type { Gate } from "../../domain/gate.ts";
import { reportLease, type LeaseReport, type ReportVerdict } from "../../domain/lease-report.ts";
import type { Lease } from "../../domain/lease.ts";
import type { EpochMillis } from "../../kernel/time.ts";
import type { BrokerParts } from "../parts.ts";

export interface LeaseLine extends LeaseReport {
  /** The kill that it rests on could be seen to work at its provider, and never was. */
  readonly isKillUnseen: boolean;
}

/** A verified death is a kill that was seen, whether its note has come round or not; the others died of no kill. */
const needsNoProof: ReadonlySet<ReportVerdict> = new Set(["dead-verified", "expired", "never-minted"]);

export function lineOf(
  { isKillUnseen }: Pick<BrokerParts, "isKillUnseen">,
  lease: Lease,
  gate: Gate["kind"],
  now: EpochMillis,
): LeaseLine {
  const report = reportLease(lease, gate, now);
  return { ...report, isKillUnseen: !needsNoProof.has(report.verdict) && isKillUnseen?.(lease.provider) === true };
}
