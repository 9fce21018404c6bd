/** What a random run has to work with: the pair, the commands that were accepted so far, and the claims it holds. */
import type { Lease } from "../../../src/domain/lease.ts";
import { targetName } from "../../../src/domain/names.ts";
import type { LeaseId, TaskId } from "../../../src/kernel/ids.ts";
import type { EpochMillis } from "../../../src/kernel/time.ts";
import type { CompleteMint, OpenTask, RecordIntent } from "../../../src/ports/ledger-commands.ts";
import { createBuilders, providerName, type Builders } from "../../support/builders.ts";
import type { Pair } from "./lockstep-pair.ts";
import type { Step } from "./lockstep-steps.ts";

export interface Run {
  readonly pair: Pair;
  readonly build: Builders;
  readonly openings: OpenTask[];
  readonly intents: { readonly command: RecordIntent; readonly lease: Lease }[];
  readonly completions: CompleteMint[];
  readonly claims: { readonly fence: string; readonly leases: readonly LeaseId[]; readonly until: EpochMillis }[];
  /** Every id that was ever asked for, accepted or not. */
  readonly known: { readonly tasks: TaskId[]; readonly leases: LeaseId[] };
}

export function createRun(pair: Pair): Run {
  const build = createBuilders({ clock: pair.model.clock });
  return { pair, build, openings: [], intents: [], completions: [], claims: [], known: { tasks: [], leases: [] } };
}

export const providerOf = (index: number) => providerName(`provider-${index}`);
export const targetOf = (index: number) => targetName(providerOf(index));
export const pick = <T>(list: readonly T[], index: number): T | undefined => list[index % Math.max(1, list.length)];

export type StepOf<K extends Step["kind"]> = Extract<Step, { kind: K }>;
