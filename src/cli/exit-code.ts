/** What the command tells a script. Stable: a number keeps its meaning. 4 is kept for "waits for an approval". */
export const exitCodes = {
  ok: 0,
  error: 1,
  usage: 2,
  denied: 3,
  /** The attestation or the task is over: get a fresh one. */
  expired: 5,
  /** A system that the broker needs (a provider, an issuer) does not do its part; also: something is not dead yet. */
  providerDown: 6,
  /** The broker cannot write its ledger and audit, so it issues nothing. */
  auditUnavailable: 7,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
