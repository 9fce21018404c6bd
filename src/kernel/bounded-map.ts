/**
 * A map for copies of what can be had again: it holds no more than `size` entries, and what was not asked for lately goes
 * first. Two generations instead of one order of use: a look-up moves nothing, and nothing is searched to make room.
 */
export interface BoundedMap<K, V> {
  get(key: K): V | undefined;
  set(key: K, value: V): void;
  delete(key: K): void;
  clear(): void;
}

/** When the young generation is full it becomes the old one, and what is still asked for moves back. */
export function boundedMap<K, V>(size: number): BoundedMap<K, V> {
  const generation = Math.floor(size / 2);
  let young = new Map<K, V>();
  let old = new Map<K, V>();
  const put = (key: K, value: V): void => {
    if (generation === 0) return;
    if (young.size >= generation) {
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
