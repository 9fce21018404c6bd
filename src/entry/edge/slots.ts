/** A number of slots, and who waits for one: in the order in which they came, each until it begins or gives up. */

/** Gives the slot back, or the wait up. To be called once. */
export type Leave = () => void;
/** Calls `begin` when there is a slot: at once, or when another leaves. */
export type Slots = (begin: () => void) => Leave;

/** A slot of both, the outer one first. */
export const nested =
  (outer: Slots, inner: Slots): Slots =>
  (begin) => {
    let leaveInner: Leave = () => {};
    const leaveOuter = outer(() => {
      leaveInner = inner(begin);
    });
    return () => {
      leaveInner();
      leaveOuter();
    };
  };

export function createSlots(count: number): Slots {
  let free = count;
  const waiting = new Set<() => void>();
  return (begin) => {
    // Its own, because one caller may wait twice.
    const start = (): void => begin();
    if (free > 0) {
      free -= 1;
      start();
    } else waiting.add(start);
    return () => {
      if (waiting.delete(start)) return;
      const [next] = waiting;
      if (next === undefined) {
        free += 1;
        return;
      }
      waiting.delete(next);
      next();
    };
  };
}
