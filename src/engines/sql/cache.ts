/**
 * Rows that were just read or written, so that an issue does not read back what it wrote a moment ago. Only a copy:
 * this process is the only writer, each write replaces the copy, and a rollback drops all of it. Bounded.
 */
import type { TargetName } from "../../domain/names.ts";
import { boundedMap, type BoundedMap } from "../../kernel/bounded-map.ts";
import type { LeaseRecord } from "./rows/lease-rows.ts";
import type { Standing } from "./rows/standing-rows.ts";
import type { TargetRecord } from "./rows/target-rows.ts";
import type { TaskRecord } from "./rows/task-rows.ts";

export interface Cache {
  readonly tasks: BoundedMap<number, TaskRecord>;
  readonly leases: BoundedMap<number, LeaseRecord>;
  readonly standings: BoundedMap<number, Standing>;
  readonly standingKeys: BoundedMap<string, Standing>;
  readonly targets: BoundedMap<TargetName, TargetRecord>;
  readonly counters: BoundedMap<string, CounterCopy>;
  readonly countersByKey: BoundedMap<number, CounterCopy>;
  /** Scopes of all closed doors, or null when they must be read. */
  doors: ReadonlySet<string> | null;
  /** The largest lease key, or null when it must be read: an id above it is new, without a look. */
  newestLease: number | null;
  clear(): void;
}

export interface CounterCopy {
  readonly key: number;
  readonly name: string;
  live: number;
}

const maxCached = 8192;

export function createCache(): Cache {
  const parts = {
    tasks: boundedMap<number, TaskRecord>(maxCached),
    leases: boundedMap<number, LeaseRecord>(maxCached),
    standings: boundedMap<number, Standing>(maxCached),
    standingKeys: boundedMap<string, Standing>(maxCached),
    targets: boundedMap<TargetName, TargetRecord>(maxCached),
    counters: boundedMap<string, CounterCopy>(maxCached),
    countersByKey: boundedMap<number, CounterCopy>(maxCached),
  };
  return {
    ...parts,
    doors: null,
    newestLease: null,
    clear() {
      for (const part of Object.values(parts)) part.clear();
      this.doors = null;
      this.newestLease = null;
    },
  };
}
