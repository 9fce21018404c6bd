/** One page out of many sorted lanes. */
import { expect, it } from "vitest";
import { mergeLanes, type LaneQuery } from "../../src/kernel/merge-lanes.ts";

/** Reads lanes of numbers, and notes what was asked. */
function laneReader(lanes: readonly (readonly number[])[]) {
  const asked: LaneQuery<number>[] = [];
  let [now, most, rows] = [0, 0, 0];
  return {
    asked,
    most: () => most,
    rows: () => rows,
    async read(query: LaneQuery<number>): Promise<readonly number[]> {
      asked.push(query);
      most = Math.max(most, (now += 1));
      await Promise.resolve();
      now -= 1;
      const { lane, after, size } = query;
      const page = (lanes[lane] ?? []).filter((row) => after === null || row > after).slice(0, size);
      rows += page.length;
      return page;
    },
  };
}

const merge = (lanes: readonly (readonly number[])[], limit: number, width?: number) => {
  const reader = laneReader(lanes);
  const options = { lanes: lanes.length, limit, read: (query: LaneQuery<number>) => reader.read(query) };
  const compare = (left: number, right: number): number => left - right;
  return { reader, page: mergeLanes({ ...options, compare, ...(width !== undefined && { width }) }) };
};
const numbers = (count: number, from: number, step: number) =>
  Array.from({ length: count }, (_, index) => from + index * step);

it.each([
  ["lanes alike", [numbers(50, 0, 3), numbers(50, 1, 3), numbers(50, 2, 3)], numbers(40, 0, 1)],
  ["one full lane among empty ones", [[], numbers(60, 0, 1), [], []], numbers(40, 0, 1)],
  ["fewer rows than the page", [[5], [], [3, 9]], [3, 5, 9]],
  ["no lanes", [], []],
])("%s: the first rows of all, in order", async (_name, lanes, expected) => {
  expect(await merge(lanes, 40).page).toEqual(expected);
});

it("reads little more than the page, and a few lanes at a time", async () => {
  const lanes = Array.from({ length: 64 }, (_, lane) => numbers(200, lane, 64));
  const { reader, page } = merge(lanes, 100, 6);
  expect(await page).toEqual(numbers(100, 0, 1));
  expect(reader.most()).toBe(6);
  expect(reader.rows()).toBeLessThanOrEqual(64 * 4);
});
