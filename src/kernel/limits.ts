/**
 * Every bound of the broker, with its reason. A loop, queue, body, list or wait that is not bounded here is a bug.
 */

/** An attestation above this is refused before parsing: real ones are 1-3 KiB. */
export const maxAttestationBytes = 16 * 1024;
/** A request body above this is refused: the largest honest one carries an attestation and authorization details. */
export const maxBodyBytes = 64 * 1024;
/** Rows of one page of any list. */
export const maxPageSize = 200;
/** Rows that one transaction of the sweeper may touch: keeps each under a few milliseconds. */
export const maxSweepRows = 500;
/** Leases of one claim. */
export const maxClaimRows = 50;
/** Verbs of one group commit. */
export const maxBatchVerbs = 256;
/** Depth of a task tree, the root counted. */
export const maxTaskDepth = 8;
/** Longest `Prefer: wait` (RFC 7240 §4.3) in seconds. */
export const maxWaitSeconds = 30;
/** A task may not be opened for longer: a week holds every unattended job, and a forgotten task still ends. */
export const maxTaskSeconds = 7 * 24 * 3600;
/** JSON of a task's context, and of a template's parameters. */
export const maxContextBytes = 8 * 1024;
/** Added to a mint's abort time before an unknown outcome is judged: covers scheduling and the provider's own delay. */
export const mintMarginMillis = 2_000;
/** Added to native expiry before `expired` may be written: covers clock skew between us and the provider. */
export const expiryGraceMillis = 300_000;
/** Backoff of a kill: capped exponential with full jitter; never gives up. */
export const firstRetryMillis = 1_000;
export const maxRetryMillis = 300_000;
/** A `stuck` lease is retried at this pace: a person has to act, but a repaired permission is noticed by itself. */
export const stuckRetryMillis = 900_000;
/** A lease that its process lacks the means to kill is left to other processes for so long: rolling out a policy takes less. */
export const waitForMeansMillis = 300_000;
/** And that process leaves the target alone for so long: others must get the lease, and it must see that it can again. */
export const restWithoutMeansMillis = 5_000;
/** Issuing stops on a target whose oldest due lease is later than this. */
export const maxKillDelayMillis = 60_000;
/** A step of the wall clock larger than this suspends issuing and natural expiry. */
export const maxClockStepMillis = 60_000;
/** A start after less than this was no downtime: another node was running, or the process was only replaced. */
export const shortestDowntimeMillis = 2_000;
/** Dead leases and ended tasks are kept this long as tombstones. */
export const tombstoneMillis = 7 * 24 * 3600 * 1000;
/** Idempotency keys outlive their lease by this. */
export const idempotencyMillis = 24 * 3600 * 1000;
/** A lease that was replaced becomes due after this: requests already on the wire may still finish. */
export const replacedGraceMillis = 30_000;
/** A mint call is cancelled after this; every provider that answers at all answers sooner. */
export const mintTimeoutMillis = 15_000;
/** A task opened by an exchange outlives its credential by this, so that the credential's own bound is the one told. */
export const autoTaskSeconds = 60;
/** How far an issuer's clock may be from ours: hosts that keep time differ by far less, and each second lengthens a token's life. */
export const attestationSkewMillis = 30_000;
/** A subject above this is refused: SPIFFE and OIDC subjects are far shorter, and it is written into each audit entry. */
export const maxSubjectLength = 1024;
/** A `jti` or `kid` above this is refused: it becomes a key of the ledger or of a lookup. */
export const maxTokenIdLength = 256;
/** Nesting of a token's JSON: whatever walks the claims later may recurse. */
export const maxJsonDepth = 32;
/** A key set above this is refused: the largest public ones are 20 KiB. */
export const maxKeySetBytes = 256 * 1024;
/** Keys of one set; the largest public ones hold about 20. */
export const maxKeysPerSet = 100;
/** One request for keys or discovery, its body included: a slow server must not hold callers for longer. */
export const keyFetchTimeoutMillis = 5_000;
/** Between two fetches of one issuer's keys: bounds what unknown key ids can cause, and the wait for a new key. */
export const keyFetchCooldownMillis = 10_000;
/** Keys older than this are refreshed beside the requests that still use them, so that none has to wait. */
export const keyRefreshAheadMillis = 300_000;
/** Keys older than this are not used before a refresh was tried: a removed key stops working inside this bound. */
export const maxKeyAgeMillis = 600_000;
/** While the issuer does not answer, its last good keys are used no longer than this. */
export const maxStaleKeyAgeMillis = 3_600_000;
/** Refusals of one agent for one reason that are audited one by one in a window; the rest of it is one count. */
export const maxRefusalsNoted = 20;
export const refusalWindowMillis = 60_000;
/** An Idempotency-Key above this is refused: a UUID has 36 characters. */
export const maxIdempotencyKeyLength = 255;
