/** Many calls, a bounded number at a time: whoever fans out must not open more connections than it is allowed. */

/** The outcomes in the order of the items. Never rejects. */
export async function settleAll<T, R>(
  items: readonly T[],
  width: number,
  run: (item: T, index: number) => Promise<R>,
): Promise<readonly PromiseSettledResult<R>[]> {
  const results: PromiseSettledResult<R>[] = [];
  const left = items.entries();
  const lane = async (): Promise<void> => {
    for (const [index, item] of left) {
      try {
        // oxlint-disable-next-line no-await-in-loop -- the next one of this lane waits for its turn
        results[index] = { status: "fulfilled", value: await run(item, index) };
      } catch (reason) {
        results[index] = { status: "rejected", reason };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, lane));
  return results;
}

/** Rejects where one did, but not before all of them ended. */
export async function allAtMost<T, R>(
  items: readonly T[],
  width: number,
  run: (item: T, index: number) => Promise<R>,
): Promise<readonly R[]> {
  return (await settleAll(items, width, run)).map((result) => {
    if (result.status === "rejected") throw result.reason;
    return result.value;
  });
}
