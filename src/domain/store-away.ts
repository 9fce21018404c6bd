/**
 * The ledger's store did not answer: it may be down, cut off or between two masters. Nothing is known, and asking again is
 * harmless. What cannot be understood of an answer that came is no such thing, but a fault of ours.
 */
export class StoreAwayError extends Error {
  /** Short, of our own choosing or the server's; never its text. */
  readonly code: string;

  constructor(code: string) {
    super(`the ledger's store does not answer (${code})`);
    this.name = "StoreAwayError";
    this.code = code;
  }
}
