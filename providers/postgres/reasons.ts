/** Short words of our own for what the server answered; nothing of its text goes on. */
import { unreachable } from "../../src/kernel/unreachable.ts";
import type { DatabaseFault } from "./database.ts";

export function reasonOf(fault: DatabaseFault): string {
  switch (fault.kind) {
    case "no_session":
      return fault.why;
    case "lost":
      return "answer_lost";
    case "refused":
      return reasonOfState(fault.sqlState);
    default:
      return unreachable(fault);
  }
}

function reasonOfState(sqlState: string): string {
  if (sqlState === sqlStates.permissionDenied) return "permission_denied";
  if (sqlState === sqlStates.lockNotAvailable) return "lock_held";
  return /^[0-9A-Z]{5}$/.test(sqlState) ? `sqlstate_${sqlState}` : "sqlstate_unknown";
}

/** Of appendix A of PostgreSQL's documentation. */
export const sqlStates = {
  permissionDenied: "42501",
  duplicateObject: "42710",
  undefinedObject: "42704",
  dependentObjects: "2BP01",
  lockNotAvailable: "55P03",
} as const;

/** Resources, cancelled by a person or a timeout, locks, serialization, the server's own trouble: another try can help. */
export const passes = (sqlState: string): boolean => /^(?:40|53|55|57|58|XX)/.test(sqlState);
