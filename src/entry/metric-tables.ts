/** What every runtime tells of the same metric: its help text, and the buckets of times. */

/** From a local kill in a millisecond to an outage of ten minutes. */
export const secondsBuckets = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 600];

export const helpTexts: Readonly<Record<string, string>> = {
  mayfly_leases_issued_total: "Credentials delivered.",
  mayfly_mint_duration_seconds: "Time of a provider's mint call.",
  mayfly_mints_near_limit_total: "Mints that a limit of the provider's system nearly refused, by provider.",
  mayfly_revocations_total: "Credentials that ended, by cause and verdict.",
  mayfly_revocation_latency_seconds:
    "From the kill order (task end, expiry, kill) to the recorded end of the credential.",
  mayfly_revocations_dead: "Credentials whose provider refuses the kill for good; a person has to act.",
  mayfly_decisions_total: "Refusals of proven callers, by reason.",
  mayfly_attestation_failures_total: "Refused attestations.",
  mayfly_http_requests_total: "Answered requests.",
  mayfly_tasks_active: "Open tasks.",
  mayfly_leases_active: "Credentials that may be usable.",
  mayfly_ledger_unreadable_rows: "Rows of the ledger that were found gone or unreadable. Alert on anything but 0.",
  mayfly_leases_stuck: "Credentials that need a person.",
  mayfly_revocation_queue_depth: "Leases due now, per target.",
  mayfly_revocation_oldest_seconds: "Age of the oldest due lease, per target.",
  mayfly_revocations_claimed: "Leases that a worker has in hand, per target.",
  mayfly_revocations_stuck: "Leases that need a person, per target.",
  mayfly_revocation_retries_total: "Attempts after which the kill waits for another one, per target.",
  mayfly_wake_ups_waiting: "Jobs that wait in the queue of a target, over all nodes; each is worth a chunk of kills.",
  mayfly_wake_ups_active: "Jobs that run in the queue of a target, over all nodes.",
  mayfly_target_paused: "1 while an operator holds a target's kills back.",
  mayfly_breaker_open: "1 while a target's circuit breaker is open.",
  mayfly_provider_kill_seen: "1 if a kill of the provider was ever seen to work, 0 until then. Alert on 0.",
  mayfly_drift_strays_total: "Found at a provider without a lease that accounts for them, by whether they were ended.",
  mayfly_drift_missing_total: "Credentials that were active in the ledger and not at their provider.",
  mayfly_drift_unfinished_total: "Comparisons of a provider with the ledger that were not finished.",
  mayfly_drift_compared_at_seconds: "When this process last compared a provider with the ledger in full, Unix time.",
  mayfly_kills_undone_total: "Deaths that were found undone and taken back; each was an exposure.",
  mayfly_kill_guard_failures_total: "Looks at kills that stand only while they are kept, without an answer.",
  mayfly_issuing: "1 while the broker issues, 0 while it only ends.",
  mayfly_policy_reload_failures_total: "Policy folders that were refused; the last good set stays in force.",
};
