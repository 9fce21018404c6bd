/** Ledger commands as the broker would send them for its own tokens, one agent and one template. */
import type { Cause } from "../../../src/domain/audit-entry.ts";
import type { AgentName, IssuerName, ProviderName, TemplateName } from "../../../src/domain/names.ts";
import { targetName } from "../../../src/domain/names.ts";
import { brand } from "../../../src/kernel/brand.ts";
import type { Clock } from "../../../src/kernel/clock.ts";
import { createSystemEntropy } from "../../../src/entry/system-clock.ts";
import { createIdFactory, homeOfId, type LeaseId, type TaskId } from "../../../src/kernel/ids.ts";
import { maxTaskSeconds, mintTimeoutMillis } from "../../../src/kernel/limits.ts";
import { millis, type EpochMillis } from "../../../src/kernel/time.ts";
import type { Answer, Ledger } from "../../../src/ports/ledger.ts";
import type { CompleteMint, EndTask, OpenTask, RecordIntent } from "../../../src/ports/ledger-commands.ts";

const agent = brand<AgentName>("invoice-bot");
const issuer = brand<IssuerName>("prod-cluster");
const template = brand<TemplateName>("ledger-read");
const cause: Cause = { actor: `agent:${agent}`, requestId: null };
const longestTtl = millis(maxTaskSeconds * 1000);

export interface Commands {
  openTask(): OpenTask;
  intent(taskId: TaskId, provider?: string): RecordIntent;
  completion(leaseId: LeaseId, expiresAt: EpochMillis): CompleteMint;
  end(taskId: TaskId): EndTask;
}

export function createCommands(clock: Clock): Commands {
  const ids = createIdFactory({ clock, entropy: createSystemEntropy(), generation: () => 1 });
  return {
    openTask: () => ({
      task: { id: ids.task(), ...taskFacts },
      deadline: longestTtl,
      heartbeat: null,
      limits: [],
      cause,
    }),
    intent: (taskId, provider = "bench") =>
      intentOf(ids.lease(homeOfId(taskId)), taskId, brand<ProviderName>(provider)),
    completion: (leaseId, expiresAt) => ({
      leaseId,
      handle: handleOf(leaseId),
      sealed: null,
      fingerprint: null,
      provenAlive: false,
      expiresAt,
      nativeExpiresAt: expiresAt,
      rejectAs: null,
      cause,
    }),
    end: (taskId) => ({ taskId, outcome: "completed", reason: null, cause }),
  };
}

const taskFacts: Omit<OpenTask["task"], "id"> = {
  agent,
  opener: { agent: brand<AgentName>("conductor"), issuer, subject: "system:serviceaccount:finance:conductor" },
  parentId: null,
  templates: [{ template, parameters: {} }],
  context: { environment: "prod" },
  purpose: null,
  ticket: null,
  automatic: false,
};

export const handleOf = (id: LeaseId) => ({ jti: id, introspected: true });

const intentOf = (id: LeaseId, taskId: TaskId, provider: ProviderName): RecordIntent => ({
  lease: {
    id,
    taskId,
    agent,
    issuer,
    template,
    provider,
    target: targetName(provider),
    providerDigest: "b".repeat(43),
    handle: handleOf(id),
    // Nothing but a kill ends it: no lease of the bench dies by waiting.
    nativeExpiry: "none",
  },
  mintTimeout: millis(mintTimeoutMillis),
  ttl: longestTtl,
  worstCaseTtl: longestTtl,
  automaticTask: null,
  limits: [],
  capacity: null,
  replay: null,
  idempotency: null,
  replaces: null,
  demandKillPath: false,
  cause,
});

export function valueOf<T, C>(answer: Answer<T, C>): T {
  if (answer.kind !== "ok") throw new Error(`the ledger answered ${JSON.stringify(answer)}`);
  return answer.value;
}

export async function openTask(ledger: Ledger, commands: Commands): Promise<TaskId> {
  return valueOf(await ledger.openTask(commands.openTask())).id;
}

/** Verbs under way at a time: a few commits' worth. */
const verbsAhead = 512;

/** Issues leases as the broker does for its own tokens: intent and completion in one commit. Each task has its turn. */
export async function issueLeases(
  ledger: Ledger,
  commands: Commands,
  wish: { tasks: readonly TaskId[]; count: number; provider?: string; expiresAt: (index: number) => EpochMillis },
): Promise<void> {
  for (let from = 0; from < wish.count; from += verbsAhead) {
    const indexes = Array.from({ length: Math.min(verbsAhead, wish.count - from) }, (_, at) => from + at);
    await Promise.all(
      indexes.map(async (index) => {
        const taskId = wish.tasks[index % wish.tasks.length];
        if (taskId === undefined) throw new Error("leases need a task");
        const intent = commands.intent(taskId, wish.provider);
        const recorded = ledger.recordIntent(intent);
        const completed = ledger.completeMint(commands.completion(intent.lease.id, wish.expiresAt(index)));
        valueOf(await recorded);
        if (valueOf(await completed).outcome !== "activated") throw new Error("a lease of the bench was refused");
      }),
    );
  }
}
