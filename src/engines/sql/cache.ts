/**
 * Rows that were just read or written, so that an issue does not read back what it wrote a moment ago. Only a copy:
 * this process is the only writer, each write replaces the copy, and a rollback drops all of it. Bounded.
 */
import type { TargetName } from "../../domain/names.ts";
import type { LeaseRecord } from "./rows/lease-rows.ts";
import type { Standing } from "./rows/standing-rows.ts";
import type { TargetRecord } from "./rows/target-rows.ts";
import type { TaskRecord } from "./rows/task-rows.ts";

export interface Cache {
  readonly tasks: Bounded<number, TaskRecord>;
  readonly leases: Bounded<number, LeaseRecord>;
  readonly standings: Bounded<number, Standing>;
  readonly standingKeys: Bounded<string, Standing>;
  readonly targets: Bounded<TargetName, TargetRecord>;
  readonly counters: Bounded<string, CounterCopy>;
  readonly countersByKey: Bounded<number, CounterCopy>;
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

export interface Bounded<K, V> {
  get(key: K): V | undefined;
  set(key: K, value: V): void;
  delete(key: K): void;
  clear(): void;
}

const maxCached = 8192;

export function createCache(): Cache {
  const parts = {
    tasks: bounded<number, TaskRecord>(),
    leases: bounded<number, LeaseRecord>(),
    standings: bounded<number, Standing>(),
    standingKeys: bounded<string, Standing>(),
    targets: bounded<TargetName, TargetRecord>(),
    counters: bounded<string, CounterCopy>(),
    countersByKey: bounded<number, CounterCopy>(),
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

/** Two generations: when the young one is full it becomes the old one, and what is still asked for moves back. */
export function bounded<K, V>(size = maxCached / 2): Bounded<K, V> {
  let young = new Map<K, V>();
  let old = new Map<K, V>();
  const put = (key: K, value: V): void => {
    if (young.size >= size) {
      old = young;
      young = new Map();
    }
    young.set(key, value);
  };
  return {
    get(key) {
      const fresh = young.get(key);
      if (fresh !== undefined) return fresh;
      const kept = old.get(key);
      if (kept !== undefined) put(key, kept);
      return kept;
    },
    set(key, value) {
      old.delete(key);
      put(key, value);
    },
    delete(key) {
      young.delete(key);
      old.delete(key);
    },
    clear() {
      young = new Map();
      old = new Map();
    },
  };
}
