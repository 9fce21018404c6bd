/** Waits for something in another process or server, by asking again until a bound: never a fixed sleep. */
const paceMillis = 15;
const defaultBoundMillis = 10_000;

/** The first answer that is not undefined; throws with `what` when the bound has passed. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  boundMillis = defaultBoundMillis,
): Promise<T> {
  const until = performance.now() + boundMillis;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > until) throw new Error(`did not come true within ${boundMillis} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, paceMillis));
  }
}

/** The same for a condition. */
export async function eventuallyTrue(
  what: string,
  ask: () => Promise<boolean>,
  boundMillis = defaultBoundMillis,
): Promise<void> {
  await eventually(what, async () => ((await ask()) ? true : undefined), boundMillis);
}
