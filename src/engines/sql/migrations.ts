/**
 * The schema as a numbered list: a store is brought up by running what it has not run. A released migration is never
 * edited; a new one is appended. Keys are the growing numbers inside ids, because an integer key is several times
 * cheaper than a random text, and every index is paid for by each issue, so there are few.
 */
export interface Migration {
  readonly version: number;
  readonly sql: string;
}

/** What tells a ledger from any other database. */
export const versionTable = "schema_version";

export const migrations: readonly Migration[] = [
  {
    version: 1,
    sql: `
CREATE TABLE schema_version (version INTEGER PRIMARY KEY) STRICT;

-- One row: what the whole store knows of itself.
CREATE TABLE store (
  key INTEGER PRIMARY KEY CHECK (key = 1),
  generation INTEGER NOT NULL,
  restoring INTEGER NOT NULL,
  downtime_from INTEGER,
  downtime_until INTEGER,
  committed_at INTEGER NOT NULL,
  open_tasks INTEGER NOT NULL,
  live_leases INTEGER NOT NULL,
  stuck_leases INTEGER NOT NULL
) STRICT;
INSERT INTO store VALUES (1, 1, 0, NULL, NULL, 0, 0, 0, 0);

-- One row: the names of the last policy that was loaded, so that a removal is noticed across restarts too.
CREATE TABLE policy (
  key INTEGER PRIMARY KEY CHECK (key = 1),
  agents TEXT NOT NULL,
  issuers TEXT NOT NULL
) STRICT;
INSERT INTO policy VALUES (1, '[]', '[]');

-- Append-only. body is the exact text that the hash chain covers.
CREATE TABLE audit (
  sequence INTEGER PRIMARY KEY,
  task_key INTEGER,
  body TEXT NOT NULL,
  hash BLOB NOT NULL
) STRICT;
CREATE INDEX audit_by_task ON audit (task_key) WHERE task_key IS NOT NULL;

CREATE TABLE target (
  key INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  provider TEXT NOT NULL,
  open_until INTEGER,
  open_reason TEXT,
  paused INTEGER NOT NULL,
  is_set INTEGER NOT NULL
) STRICT;

-- The names that a lease stands under, once for all leases that share them.
CREATE TABLE standing (
  key INTEGER PRIMARY KEY,
  agent TEXT NOT NULL,
  issuer TEXT NOT NULL,
  template TEXT NOT NULL,
  provider TEXT NOT NULL,
  target TEXT NOT NULL,
  provider_digest TEXT NOT NULL,
  native_expiry TEXT NOT NULL,
  task_agent TEXT NOT NULL,
  task_issuer TEXT NOT NULL,
  UNIQUE (agent, issuer, template, provider, target, provider_digest, native_expiry, task_agent, task_issuer)
) STRICT;

-- frozen: what is set at opening and never changes, as JSON. closes_at: when an open task lapses by itself.
CREATE TABLE task (
  key INTEGER PRIMARY KEY,
  tag TEXT NOT NULL,
  parent_key INTEGER,
  depth INTEGER NOT NULL,
  agent TEXT NOT NULL,
  issuer TEXT NOT NULL,
  frozen TEXT NOT NULL,
  opened_at INTEGER NOT NULL,
  deadline_at INTEGER NOT NULL,
  heartbeat_due_at INTEGER,
  generation INTEGER NOT NULL,
  closes_at INTEGER,
  outcome TEXT,
  reason TEXT,
  ended_at INTEGER,
  purge_at INTEGER,
  opened_sequence INTEGER NOT NULL,
  ended_sequence INTEGER
) STRICT;
CREATE INDEX task_by_parent ON task (parent_key) WHERE parent_key IS NOT NULL;
CREATE INDEX task_by_close ON task (closes_at) WHERE closes_at IS NOT NULL;
CREATE INDEX task_by_purge ON task (purge_at) WHERE purge_at IS NOT NULL;

-- Leases of a task by state, so that a report counts tasks and not leases.
CREATE TABLE task_tally (
  task_key INTEGER PRIMARY KEY,
  intended INTEGER NOT NULL,
  active INTEGER NOT NULL,
  revoking INTEGER NOT NULL,
  stuck INTEGER NOT NULL,
  revoked INTEGER NOT NULL,
  expired INTEGER NOT NULL,
  mint_failed INTEGER NOT NULL
) STRICT;

-- due_at is set while the lease lives: when the next thing must be done about it. rank 0 goes ahead of rank 1.
CREATE TABLE lease (
  key INTEGER PRIMARY KEY,
  tag TEXT NOT NULL,
  task_key INTEGER NOT NULL,
  standing INTEGER NOT NULL,
  target INTEGER NOT NULL,
  rank INTEGER NOT NULL,
  due_at INTEGER,
  fence TEXT,
  state TEXT NOT NULL,
  state_at INTEGER,
  state_detail TEXT,
  created_at INTEGER NOT NULL,
  mint_abort_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  native_expires_at INTEGER NOT NULL,
  handle TEXT NOT NULL,
  sealed TEXT,
  fingerprint TEXT,
  proven_alive INTEGER NOT NULL,
  counters TEXT,
  intent_sequence INTEGER NOT NULL,
  settled_sequence INTEGER,
  judged_fence TEXT,
  judged_sequence INTEGER
) STRICT;
CREATE INDEX lease_by_due ON lease (target, rank, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX lease_by_task ON lease (task_key);
CREATE INDEX lease_by_fence ON lease (fence) WHERE fence IS NOT NULL;
CREATE INDEX lease_by_fingerprint ON lease (substr(fingerprint, 1, 8)) WHERE fingerprint IS NOT NULL;
CREATE INDEX lease_by_seal ON lease (substr(sealed, 1, instr(sealed, '.') - 1)) WHERE sealed IS NOT NULL;
CREATE INDEX lease_by_death ON lease (state_at) WHERE due_at IS NULL;
CREATE INDEX lease_stuck ON lease (key) WHERE state = 'stuck';

CREATE TABLE door (
  scope TEXT PRIMARY KEY,
  reason TEXT NOT NULL,
  closed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What a kill still has to walk. rank 0: a task, 1: a door or a restore, 2: a target whose breaker closed.
CREATE TABLE kill_order (
  rank INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  subject_key INTEGER NOT NULL,
  scope TEXT NOT NULL,
  cause TEXT NOT NULL,
  ordered_at INTEGER NOT NULL,
  position TEXT NOT NULL,
  PRIMARY KEY (rank, sequence, subject_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX kill_order_by_scope ON kill_order (scope);

CREATE TABLE counter (
  key INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  live INTEGER NOT NULL
) STRICT;

CREATE TABLE rate (
  name TEXT PRIMARY KEY,
  ends_at INTEGER NOT NULL,
  used INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX rate_by_end ON rate (ends_at);

CREATE TABLE replay (
  issuer TEXT NOT NULL,
  token_id TEXT NOT NULL,
  request_digest TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (issuer, token_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX replay_by_expiry ON replay (expires_at);

CREATE TABLE idempotency (
  lease_key INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  request_digest TEXT NOT NULL,
  expires_at INTEGER
) STRICT;
CREATE INDEX idempotency_by_expiry ON idempotency (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX idempotency_by_name ON idempotency (substr(name, 1, 8));
`,
  },
  {
    version: 2,
    sql: `
-- How many are stuck on each target, without looking at the leases.
CREATE INDEX lease_stuck_by_target ON lease (target) WHERE state = 'stuck';
`,
  },
  {
    version: 3,
    sql: `
-- By what it makes at providers this ledger is known from others; a restore keeps it.
ALTER TABLE store ADD COLUMN mark TEXT NOT NULL DEFAULT '';
UPDATE store SET mark = lower(hex(randomblob(5)));

-- Leases that take room at their target until they have surely ended: never more than the target has room for.
CREATE TABLE denial (
  target INTEGER NOT NULL,
  lease_key INTEGER NOT NULL,
  PRIMARY KEY (target, lease_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE lock (
  name TEXT PRIMARY KEY,
  holder TEXT NOT NULL,
  number INTEGER NOT NULL,
  held_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`,
  },
  {
    version: 4,
    sql: `
-- What was seen of a provider, by any node.
CREATE TABLE provider (
  name TEXT PRIMARY KEY,
  kill_digest TEXT,
  kill_at INTEGER,
  reconciled_generation INTEGER,
  reconciled_at INTEGER
) STRICT, WITHOUT ROWID;
`,
  },
  {
    version: 5,
    sql: `
-- Of a ledger over many shards. Places in counters of this shard that a lease or task of any shard holds; after
-- hold_until its home is asked whether it still does. A place that rides on another one counts when that one goes.
CREATE TABLE slot (
  owner TEXT NOT NULL,
  counter INTEGER NOT NULL,
  hold_until INTEGER NOT NULL,
  rides_on TEXT,
  PRIMARY KEY (owner, counter)
) STRICT, WITHOUT ROWID;
CREATE INDEX slot_by_hold ON slot (counter, hold_until);
CREATE INDEX slot_by_ride ON slot (counter, rides_on) WHERE rides_on IS NOT NULL;

-- What deaths and ends of this shard have to give back in others.
CREATE TABLE owed (
  counter TEXT NOT NULL,
  owner TEXT NOT NULL,
  hold_until INTEGER NOT NULL,
  PRIMARY KEY (counter, owner)
) STRICT, WITHOUT ROWID;

-- Requests that took the token and did not give it back.
ALTER TABLE replay ADD COLUMN uses INTEGER NOT NULL DEFAULT 1;
`,
  },
];

export const newestVersion = Math.max(...migrations.map((migration) => migration.version));
