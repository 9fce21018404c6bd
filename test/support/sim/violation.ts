/** A broken promise, named. Thrown by the checks; anything else that is thrown is a fault of the simulation or a bug. */
export type PromiseName =
  | "P1"
  | "P2"
  | "P3"
  | "P4"
  | "P5"
  | "P7"
  | "P8"
  | "limits"
  | "idempotency"
  | "replay"
  | "undelivered";

export class Violation extends Error {
  readonly promise: PromiseName;

  constructor(promise: PromiseName, text: string, facts: unknown = {}) {
    super(`${promise}: ${text}\n${JSON.stringify(facts, null, 1)}`);
    this.promise = promise;
  }
}
