/**
 * Waits for the event loop's next turn, with one callback for all that wait. Whoever goes on then goes on together: the
 * same code runs for each in a row, and what they write is one commit.
 */
export function createNextTurn(soon: (run: () => void) => void): () => Promise<void> {
  let waiting: (() => void)[] = [];

  function release(): void {
    const released = waiting;
    waiting = [];
    for (const resolve of released) resolve();
  }

  return () =>
    new Promise((resolve) => {
      if (waiting.push(resolve) === 1) soon(release);
    });
}
