/**
 * One page out of many sorted lanes, mostly shards. Each lane is asked for a few rows, and for more only when those were
 * taken: a page of many lanes reads little more than the page, one of a single full lane as well.
 */
import { allAtMost } from "./settle-all.ts";

export interface LaneQuery<T> {
  readonly lane: number;
  /** The last row that this lane gave; null before the first. */
  readonly after: T | null;
  readonly size: number;
}

interface Lane<T> {
  readonly number: number;
  readonly waiting: T[];
  last: T | null;
  size: number;
  isOver: boolean;
}

const fewestRows = 4;
const growth = 4;

export async function mergeLanes<T>(options: {
  lanes: number;
  limit: number;
  /** How many lanes are read at a time; all of them unless told. */
  width?: number;
  read: (query: LaneQuery<T>) => Promise<readonly T[]>;
  compare: (left: T, right: T) => number;
}): Promise<readonly T[]> {
  const { limit, read, compare, width = options.lanes } = options;
  const size = Math.min(limit, Math.max(fewestRows, Math.ceil((2 * limit) / options.lanes)));
  const lanes = Array.from({ length: options.lanes }, (_, number): Lane<T> => ({
    number,
    waiting: [],
    last: null,
    size,
    isOver: false,
  }));

  async function refill(lane: Lane<T>): Promise<void> {
    const rows = await read({ lane: lane.number, after: lane.last, size: lane.size });
    lane.waiting.push(...rows);
    lane.last = rows.at(-1) ?? lane.last;
    lane.isOver = rows.length < lane.size;
    lane.size = Math.min(limit, lane.size * growth);
  }

  const merged: T[] = [];
  while (merged.length < limit) {
    const empty = lanes.filter((lane) => lane.waiting.length === 0 && !lane.isOver);
    // oxlint-disable-next-line no-await-in-loop -- which lane needs more shows only now
    await allAtMost(empty, width, refill);
    const next = firstOf(lanes, compare);
    if (next === undefined) break;
    merged.push(next);
  }
  return merged;
}

function firstOf<T>(lanes: readonly Lane<T>[], compare: (left: T, right: T) => number): T | undefined {
  let best: { readonly lane: Lane<T>; readonly row: T } | undefined;
  for (const lane of lanes) {
    const [row] = lane.waiting;
    if (row !== undefined && (best === undefined || compare(row, best.row) < 0)) best = { lane, row };
  }
  best?.lane.waiting.shift();
  return best?.row;
}
