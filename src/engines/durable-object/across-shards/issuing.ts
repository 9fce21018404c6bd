/**
 * Openings, intents and mints: what counts over several shards is taken first, then the home records all of the rest in
 * one write. Where the home's answer is not known what was taken stays taken, for the credential may come to be.
 */
import type { Task } from "../../../domain/task.ts";
import type { LeaseId } from "../../../kernel/ids.ts";
import { millis } from "../../../kernel/time.ts";
import type { Answer, Ledger } from "../../../ports/ledger.ts";
import type {
  IntentConflict,
  IntentRecorded,
  OpenTask,
  OpenTaskConflict,
  RecordIntent,
} from "../../../ports/ledger-commands.ts";
import type { Log } from "../../../ports/log.ts";
import type { PlaceWish } from "../../sql/verbs/place-verbs.ts";
import { answer } from "./answers.ts";
import { keptElsewhere, limitsAtHome, roomLimit } from "./limits.ts";
import { reserve, type Reserved } from "./reservations.ts";
import type { Settling } from "./settling.ts";
import type { Shards } from "./shards.ts";

interface Parts {
  readonly shards: Shards;
  readonly settling: Settling;
  readonly log: Log;
}

/** Beyond the end of what a place is for, before its home is asked: no call is under way for so long. */
const slackMillis = 24 * 3_600_000;

export async function openTask(parts: Parts, command: OpenTask): Promise<Answer<Task, OpenTaskConflict>> {
  const reserved = await reserve(parts, { wishes: [openingWish(command)], token: null });
  const home = parts.shards.home(command.task.id);
  const opened = await home.openShardTask(openingAtHome(command, reserved));
  if (opened.kind === "conflict") await reserved.giveBack();
  if (opened.kind !== "ok") return opened;
  const { task, isRepeat } = opened.value;
  if (isRepeat) await reserved.giveBackRepeated(home);
  return answer(task, opened.sequence);
}

const openingWish = ({ task, limits, deadline }: OpenTask): PlaceWish => ({
  owner: task.id,
  limits,
  hold: millis(deadline + slackMillis),
  replaces: null,
});

const openingAtHome = (command: OpenTask, reserved: Reserved): OpenTask => ({
  ...command,
  limits: limitsAtHome(command.limits, reserved),
});

async function recordIntent(
  parts: Parts,
  command: RecordIntent,
  sent: () => void,
): Promise<Answer<IntentRecorded, IntentConflict>> {
  const { lease, automaticTask, replay, replaces } = command;
  const { shards, settling } = parts;
  if (shards.ofId(lease.id) !== shards.ofId(lease.taskId)) throw new Error("a lease lives where its task does");
  const openings = automaticTask === null ? [] : [openingWish(automaticTask)];
  const wishes = [...openings, await intentWish(shards, command)];
  const reserved = await reserve(parts, { wishes, token: replay });
  const home = shards.home(lease.id);
  const asking = home.recordShardIntent(intentAtHome(command, reserved));
  sent();
  const recorded = await asking;
  if (replaces !== null) settling.soon(shards.ofId(lease.id));
  if (recorded.kind === "conflict") await reserved.giveBack();
  if (recorded.kind !== "ok") return recorded;
  const { isRepeat, ...value } = recorded.value;
  if (isRepeat) await reserved.giveBackRepeated(home);
  return answer(value, recorded.sequence);
}

async function intentWish(shards: Shards, command: RecordIntent): Promise<PlaceWish> {
  const { lease, replaces, worstCaseTtl } = command;
  const limits = [...command.limits, ...roomLimit(command)];
  const mayTakeOver = replaces !== null && keptElsewhere(command.limits).length > 0;
  return {
    owner: lease.id,
    limits,
    hold: millis(worstCaseTtl + slackMillis),
    replaces: mayTakeOver
      ? { leaseId: replaces, counters: await shards.home(lease.id).placesToHandOn(replaces) }
      : null,
  };
}

function intentAtHome(command: RecordIntent, reserved: Reserved) {
  const { automaticTask, capacity } = command;
  const [room] = roomLimit(command);
  const hasRoom = room === undefined || !reserved.isFull(room);
  const limits = limitsAtHome([...command.limits, ...(hasRoom && room !== undefined ? [room] : [])], reserved);
  return {
    ...command,
    automaticTask: automaticTask === null ? null : openingAtHome(automaticTask, reserved),
    limits,
    // Without room the home refuses where it would look for some.
    capacity: hasRoom ? capacity : 0,
    replay: null,
    replayedElsewhere: reserved.isReplayed,
  };
}

export type Issuing = Pick<Ledger, "openTask" | "recordIntent" | "completeMint" | "failMint">;

/**
 * A completion that is asked for while its intent waits for other shards is sent right behind it; two repeats of an
 * intent run one after the other, or they could give back each other's places.
 */
export function createIssuing(parts: Parts): Issuing {
  const running = new Map<LeaseId, { readonly sent: Promise<void>; readonly done: Promise<unknown> }>();
  return {
    openTask: (command) => openTask(parts, command),
    async recordIntent(command) {
      const { id } = command.lease;
      while (running.has(id)) {
        // oxlint-disable-next-line no-await-in-loop -- others may have waited, too
        await running.get(id)?.done.catch(() => undefined);
      }
      const { promise: sent, resolve } = Promise.withResolvers<void>();
      const done = recordIntent(parts, command, resolve);
      running.set(id, { sent, done });
      try {
        return await done;
      } finally {
        resolve();
        running.delete(id);
      }
    },
    async completeMint(command) {
      await running.get(command.leaseId)?.sent;
      return parts.shards.home(command.leaseId).completeMint(command);
    },
    async failMint(command) {
      await running.get(command.leaseId)?.sent;
      return parts.shards.home(command.leaseId).failMint(command);
    },
  };
}
