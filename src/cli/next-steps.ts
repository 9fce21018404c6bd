/** What a person does next, by the broker's public reasons and codes. Where a word is missing the broker's advice stands. */
export const nextSteps: Readonly<Record<string, string>> = {
  // About the attestation.
  expired: "get a fresh attestation and run the command again",
  not_yet_valid: "check the clock of the machine that made the attestation",
  audience: "ask the issuer for a token whose audience is this broker (the TrustedIssuer names it)",
  unknown_issuer: "present a token of a registered issuer, or register this one as a TrustedIssuer",
  signature: "present the token unchanged; check that it is not cut off",
  lifetime: "ask the issuer for a token that lives shorter (the TrustedIssuer names the longest life)",
  replay_mode: "this issuer's tokens work once, with `mayfly token`; present one of a reusable issuer",
  replayed: "this attestation was used already; get a fresh one",
  not_registered: "register this identity as an AgentProfile, or present the attestation of a registered one",
  keys_unavailable: "try again; `mayfly doctor` tells whether the issuer's keys can be fetched",
  // About the task.
  task_ended: "open a new task; an ended one never opens again",
  deadline: "open a new task with a later deadline",
  heartbeat_lost: "open a new task, and send heartbeats in time",
  restored: "open a new task; the ledger was restored from a backup",
  door_closed: "ask an operator: `mayfly door ls` shows the closed door, `mayfly door open` opens it",
  not_heartbeat_source: "let the one send it whom the task's heartbeat_from names",
  wider_than_parent: "ask for no more than the parent task has",
  may_not_open: "ask the security team for mayOpenFor (orchestrators) or delegation (agents) in the AgentProfile",
  // About the credential.
  kill_path_broken: "try later; `mayfly targets ls` shows why nothing can be revoked there at the moment",
  already_delivered: "run it again with another idempotency key; the first credential is being revoked",
  key_reused: "use a fresh idempotency key for another request",
  // About everything.
  "not-found": "check the id; whoever may not see or do a thing gets this answer too",
  not_found: "check the id; whoever may not see or do a thing gets this answer too",
  suspended: "look at `mayfly doctor` on the broker's host: its disk, clock or ledger stops issuing",
};
