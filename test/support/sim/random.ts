/** One stream of seeded chance (mulberry32). Each part of a run draws from its own, so that one part does not shift another. */
export interface Random {
  /** In [0, 1). */
  fraction(): number;
  chance(probability: number): boolean;
  /** Whole, both ends included. */
  between(least: number, most: number): number;
  /** One of the names, as often as its weight says. */
  pick<Name extends string>(weights: Readonly<Record<Name, number>>): Name;
}

export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const fraction = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    fraction,
    chance: (probability) => fraction() < probability,
    between: (least, most) => least + Math.floor(fraction() * (most - least + 1)),
    pick(weights) {
      const names = keysOf(weights);
      let left = fraction() * names.reduce((sum, name) => sum + weights[name], 0);
      for (const name of names) {
        left -= weights[name];
        if (left < 0) return name;
      }
      throw new Error("all weights are zero");
    },
  };
}

const keysOf = <Name extends string>(record: Readonly<Record<Name, number>>): readonly Name[] =>
  Object.keys(record) as Name[];
