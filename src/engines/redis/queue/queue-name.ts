/** The queue of a target. BullMQ takes no `:` in names, and a cluster wants all keys of a queue in one slot. */
import type { TargetName } from "../../../domain/names.ts";
import { homeOfText } from "../../../kernel/ids.ts";

export interface QueueName {
  /** With a hash tag of its own, so that queues spread over the masters of a cluster. */
  readonly prefix: string;
  readonly name: string;
}

/** Readable for operators; what a queue's name cannot hold is replaced, and the home keeps such names apart. */
export function queueName(prefix: string, target: TargetName): QueueName {
  const name = `${target.replaceAll(/[^A-Za-z0-9_.-]/g, "_")}-${homeOfText(target)}`;
  return { prefix: `${prefix}:kill:{${name}}`, name };
}
