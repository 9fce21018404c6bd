/** A piece of the broker's work that is killed at each of its calls: what goes before, the step itself, and what its people do after. */
import type { BrokerProcess } from "./broker-process.ts";
import type { Client } from "./client.ts";
import type { Truth } from "./truth.ts";

export interface Scenario {
  readonly name: string;
  readonly about: string;
  /** With this call the step has done its work; what comes after only looks. */
  readonly lastCall: string;
  /**
   * A crash before a read leaves what the crash after the write before it left. One scenario of each kind proves that;
   * the others are killed at their writes.
   */
  readonly killsAtReads: boolean;
  /** What goes before this call is another scenario's: kills begin here. */
  readonly killsFrom?: string;
  /** Afterwards nothing of the run may live; otherwise its tasks are still open. */
  readonly endsAll: boolean;
  prepare(people: Client): Promise<Prepared>;
  /** Its answer may never come. */
  step(people: Client, prepared: Prepared, broker: BrokerProcess): Promise<unknown>;
  /** When the broker is back: whoever got no answer asks again. */
  comeBack?(people: Client, prepared: Prepared): Promise<void>;
  /** Undoes what would be in the way of the next run on this store. */
  tidy?(people: Client): Promise<void>;
  /** What else must be true once all is quiet, in the words of a failure. */
  alsoExpect?(truth: Truth, prepared: Prepared): readonly string[];
}

export interface Prepared {
  readonly taskId: string;
  /** What was delivered before the step. */
  readonly delivered: readonly Delivered[];
}

export interface Delivered {
  readonly token: string;
  readonly leaseId: string;
}

/** An exchange that must work: the ground that a crash is tried on. */
export async function deliver(people: Client, template: string, taskId: string): Promise<Delivered> {
  const { status, body } = await people.exchange({ template, taskId });
  if (status !== 200) throw new Error(`an exchange was answered ${status}: ${JSON.stringify(body)}`);
  return { token: body.access_token, leaseId: body.lease_id };
}
