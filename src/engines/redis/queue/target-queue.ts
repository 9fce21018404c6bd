/**
 * The BullMQ queue of one target. A job is a wake-up and holds nothing but the target's name; the due leases stay in the
 * ledger and are claimed there by whoever runs the job. So a job that is lost, stalled, doubled or wiped loses nothing.
 *
 * On purpose: one attempt and a handler that never throws, for retrying is the ledger's; jobs leave no trace when done;
 * short locks, so that a dead worker's wake-up comes back in seconds; stalled as often as it likes, never `failed`; no
 * delayed jobs, which come up to 100 ms late, for the ledger's own timer rings; no job ids of our own, which an older job
 * could hold. A queue that hands out nothing (paused by someone, its places held by the dead) is passed by.
 */
import { Queue, Worker, type ConnectionOptions } from "bullmq";
import type { TargetName } from "../../../domain/names.ts";
import type { Clock } from "../../../kernel/clock.ts";
import type { Log } from "../../../ports/log.ts";
import type { QueueDepth, Work } from "../../../ports/workforce.ts";
import { queueName } from "./queue-name.ts";

export interface TargetQueue {
  /** Adds a wake-up unless enough are waiting already. */
  wake(): Promise<void>;
  /** How many jobs wait and run, over all processes. */
  depth(): Promise<QueueDepth>;
  work(work: Work): void;
  /** A chunk without a job, where this process works and has nothing to do. */
  workAtOnce(): void;
  /** No job of this process runs, and none was woken for since `quietSince`. */
  isIdle(): boolean;
  /** Waits for what runs. */
  close(): Promise<void>;
}

/** Chunks of one target at a time in one process; each holds up to 50 attempts. */
const chunksAtOnce = 2;
/** Chunks of one target at a time in all processes together: a target must not drown in its own kills. */
const chunksEverywhere = 16;
/** Wake-ups that may wait: enough that no worker idles, few enough that a wiped queue is soon full again. */
const mostWaiting = chunksAtOnce * 2;
const lockMillis = 5_000;
const stalledCheckMillis = 1_500;
/** How long a wake-up may wait although a worker of this process has nothing to do. */
const mostUnservedMillis = 3_000;

export interface TargetQueueOptions {
  readonly target: TargetName;
  readonly prefix: string;
  /** For adding; fails fast while the server is away. */
  readonly adding: ConnectionOptions;
  /** For workers, which wait in a blocking call and reconnect for ever. */
  readonly working: ConnectionOptions;
  readonly clock: Clock;
  readonly log: Log;
}

export function openTargetQueue(options: TargetQueueOptions): TargetQueue {
  const { target, adding, log } = options;
  const { prefix, name } = queueName(options.prefix, target);
  const queue = new Queue(name, { connection: adding, prefix, skipVersionCheck: true });
  queue.on("error", () => log.warn("kill_queue_error", { target }));
  const chunks = createChunks(options, () => void wake());
  let worker: Worker | null = null;
  let isAdding = false;

  async function wake(): Promise<void> {
    chunks.passByQueue();
    if (isAdding) return;
    isAdding = true;
    try {
      const waiting = await queue.getWaitingCount();
      if (waiting === 0) chunks.noneWaits();
      if (waiting < mostWaiting)
        await queue.add("wake", null, { attempts: 1, removeOnComplete: true, removeOnFail: true });
    } catch {
      // The next look at the ledger wakes again.
      log.warn("wake_up_lost", { target });
    } finally {
      isAdding = false;
    }
  }

  return {
    wake,
    async depth() {
      const counts = await queue.getJobCounts("wait", "active");
      return { waiting: counts["wait"] ?? 0, active: counts["active"] ?? 0 };
    },
    work(work) {
      chunks.begin(work);
      worker ??= openWorker(options, () => chunks.run());
      void queue.setGlobalConcurrency(chunksEverywhere).catch(() => log.warn("kill_queue_error", { target }));
    },
    workAtOnce: () => chunks.runIfIdle(),
    isIdle: () => chunks.areNone() && !isAdding,
    async close() {
      await worker?.close();
      await queue.close();
    },
  };
}

/** What this process works on: chunks for jobs and, where the queue hands out none though some wait, one without. */
function createChunks({ target, clock, log }: TargetQueueOptions, again: () => void) {
  let work: Work | null = null;
  let running = 0;
  /** Since when wake-ups have waited while there was nothing to do here. */
  let unservedSince: number | null = null;

  async function run(): Promise<void> {
    running += 1;
    unservedSince = null;
    try {
      await work?.(target, again);
    } catch {
      log.error("kill_chunk_failed", { target });
    } finally {
      running -= 1;
    }
  }

  return {
    run,
    runIfIdle: () => void (work !== null && running === 0 && run()),
    begin: (given: Work) => void (work ??= given),
    areNone: () => running === 0,
    noneWaits: () => void (unservedSince = null),
    /** The ledger has the leases, and sees to it that each has one worker. */
    passByQueue() {
      if (work === null || running > 0) return;
      unservedSince ??= clock.monotonicMillis();
      if (clock.monotonicMillis() - unservedSince < mostUnservedMillis) return;
      log.warn("kill_queue_passed_by", { target });
      void run();
    },
  };
}

function openWorker({ target, working, log, ...options }: TargetQueueOptions, handle: () => Promise<void>): Worker {
  const { prefix, name } = queueName(options.prefix, target);
  const opened = new Worker(name, handle, {
    connection: working,
    prefix,
    concurrency: chunksAtOnce,
    lockDuration: lockMillis,
    stalledInterval: stalledCheckMillis,
    maxStalledCount: Number.MAX_SAFE_INTEGER,
    removeOnComplete: { count: 0 },
    removeOnFail: { count: 0 },
    drainDelay: 5,
    skipVersionCheck: true,
  });
  return opened.on("error", () => log.warn("kill_worker_error", { target }));
}
