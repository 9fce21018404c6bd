/** Audit: one entry in the same write as each change (promise P1), none for a refusal, all in one hash chain. */
import { expect } from "vitest";
import type { AuditCursor } from "../../../src/domain/audit-cursor.ts";
import { auditBody, type AuditEntry, type AuditType } from "../../../src/domain/audit-entry.ts";
import { base64UrlFromBytes } from "../../../src/kernel/base64url.ts";
import type { ListAudit } from "../../../src/ports/ledger-commands.ts";
import type { Answer, Ledger } from "../../../src/ports/ledger.ts";
import type { AuditPage } from "../../../src/ports/ledger-views.ts";
import { agentName, broker, fingerprintOf, ledgerTarget, operator } from "../../support/builders.ts";
import { describeRows, endOf, sequenceOf, valueOf, type Bench, type Row } from "./bench.ts";
import type { MakeHarness } from "./harness.ts";

/** Every entry, page by page. */
export async function readAll(ledger: Ledger, pageSize = 200): Promise<readonly AuditEntry[]> {
  const entries: AuditEntry[] = [];
  for (let after: AuditCursor | null = null; ;) {
    // oxlint-disable-next-line no-await-in-loop -- each page starts where the one before ended
    const page: AuditPage = await ledger.listAudit({ taskId: null, after, limit: pageSize });
    if (page.entries.length === 0) return entries;
    entries.push(...page.entries);
    after = page.next;
  }
}

/** Recomputes the chain of each shard from the entries as anybody could who was handed them. */
export async function expectChain(entries: readonly AuditEntry[]): Promise<void> {
  await Promise.all([...Map.groupBy(entries, ({ shard }) => shard).values()].map(expectChainOfShard));
}

async function expectChainOfShard(entries: readonly AuditEntry[]): Promise<void> {
  let previous = new Uint8Array(32);
  const hashes: string[] = [];
  for (const { sequence, at, type, taskId, leaseId, actor, requestId, data } of entries) {
    const body = new TextEncoder().encode(
      auditBody({ type, taskId, leaseId, cause: { actor, requestId }, data }, sequence, at),
    );
    const joined = new Uint8Array([...previous, ...body]);
    // oxlint-disable-next-line no-await-in-loop -- each hash needs the one before
    previous = new Uint8Array(await crypto.subtle.digest("SHA-256", joined));
    hashes.push(base64UrlFromBytes(previous));
  }
  expect(entries.map((entry) => entry.hash)).toEqual(hashes);
  expect(entries.map((entry) => entry.sequence)).toEqual(entries.map((_, index) => index + 1));
}

type Verb = readonly [type: AuditType, run: (bench: Bench) => Promise<Answer<unknown, unknown>>];

const verbs: readonly Verb[] = [
  ["task.opened", (bench) => bench.ledger.openTask(bench.openTask())],
  ["task.ended", async (bench) => bench.ledger.endTask(endOf((await bench.opened()).id))],
  ["door.closed", (bench) => bench.ledger.closeDoor({ scope: { kind: "all" }, reason: "drill", cause: operator })],
  [
    "door.opened",
    async (bench) => {
      await bench.ledger.closeDoor({ scope: { kind: "all" }, reason: "drill", cause: operator });
      return bench.ledger.openDoor({ scope: { kind: "all" }, cause: operator });
    },
  ],
  [
    "policy.loaded",
    (bench) => bench.ledger.loadPolicy({ digest: "d", agents: [agentName("a")], issuers: [], cause: operator }),
  ],
  ["lease.intended", async (bench) => bench.ledger.recordIntent(bench.recordIntent((await bench.opened()).id))],
  [
    "lease.activated",
    async (bench) => bench.ledger.completeMint(bench.completeMint(await bench.intended(await bench.opened()))),
  ],
  [
    "lease.mint_failed",
    async (bench) =>
      bench.ledger.failMint({
        leaseId: (await bench.intended(await bench.opened())).id,
        reason: "quota",
        cause: broker,
      }),
  ],
  [
    "lease.revoked",
    async (bench) => {
      const { lease, fence } = await bench.dying(await bench.active(await bench.opened()));
      return bench.ledger.recordVerdict({ leaseId: lease.id, fence, outcome: { kind: "dead-unverified" }, jitter: 0 });
    },
  ],
  [
    "lease.attempted",
    async (bench) => {
      const { lease, fence } = await bench.dying(await bench.active(await bench.opened()));
      return bench.ledger.recordVerdict({
        leaseId: lease.id,
        fence,
        outcome: { kind: "retry", reason: "timeout" },
        jitter: 0,
      });
    },
  ],
  [
    "lease.stuck",
    async (bench) => {
      const { lease, fence } = await bench.dying(await bench.active(await bench.opened()));
      const outcome = { kind: "refused", reason: "denied", fix: "grant" } as const;
      return bench.ledger.recordVerdict({ leaseId: lease.id, fence, outcome, jitter: 0 });
    },
  ],
  [
    "target.changed",
    (bench) => bench.ledger.setTarget({ target: ledgerTarget, breaker: null, paused: true, cause: operator }),
  ],
  ["clock.accepted", (bench) => bench.ledger.acceptClock(operator)],
  [
    "request.refused",
    (bench) =>
      bench.ledger.appendAudit({
        type: "request.refused",
        taskId: null,
        leaseId: null,
        cause: operator,
        data: { why: "x" },
      }),
  ],
];

const answers: readonly Row[] = verbs.map(([type, run]) => [
  `${type}: the answer's sequence is its entry's`,
  async (bench) => {
    const sequence = sequenceOf(await run(bench));
    const entry = (await readAll(bench.ledger)).find((each) => each.sequence === sequence);
    expect(entry).toMatchObject({ type, sequence, at: bench.clock.now() });
  },
]);

const refusals: readonly Row[] = [
  [
    "a refusal writes nothing",
    async (bench) => {
      const task = await bench.opened();
      await bench.ended(task);
      await bench.sweep();
      const before = await readAll(bench.ledger);
      const { ledger } = bench;
      const refusedAnswers = await Promise.all([
        ledger.openTask(bench.openTask({ parentId: task.id })),
        ledger.heartbeat({ taskId: task.id, cause: broker }),
        ledger.recordIntent(bench.recordIntent(task.id)),
        ledger.failMint({ leaseId: bench.ids.lease(), reason: "quota", cause: broker }),
        ledger.openDoor({ scope: { kind: "all" }, cause: operator }),
        ledger.recordVerdict({ leaseId: bench.ids.lease(), fence: "f", outcome: { kind: "already-gone" }, jitter: 0 }),
      ]);
      expect(refusedAnswers.map((answer) => answer.kind)).toEqual(refusedAnswers.map(() => "conflict"));
      expect(await readAll(bench.ledger)).toEqual(before);
    },
  ],
  [
    "a repeat writes nothing",
    async (bench) => {
      const opening = bench.openTask();
      valueOf(await bench.ledger.openTask(opening));
      const ending = endOf(opening.task.id);
      valueOf(await bench.ledger.endTask(ending));
      const before = await readAll(bench.ledger);
      valueOf(await bench.ledger.openTask(opening));
      valueOf(await bench.ledger.endTask(ending));
      expect(await readAll(bench.ledger)).toEqual(before);
    },
  ],
];

const chains: readonly Row[] = [
  [
    "the chain holds over everything, over a restart and in pages of any size",
    async (bench) => {
      const cause = {
        actor: "operator:ada",
        requestId: bench.ids.request(),
        evidence: { policy: "p1", bound: "template_max" },
      };
      const task = valueOf(await bench.ledger.openTask({ ...bench.openTask(), cause }));
      const child = await bench.opened({ parentId: task.id });
      await bench.active(child, {}, { sealed: "SECRET-CANARY", fingerprint: fingerprintOf("delivered") });
      await bench.restart();
      await bench.ended(task);
      await bench.sweep();
      const { leases, fence } = await bench.claim();
      await Promise.all(leases.map((lease) => bench.judge({ lease, fence }, { kind: "dead-unverified" })));
      const entries = await readAll(bench.ledger, 3);
      await expectChain(entries);
      expect(entries).toEqual(await readAll(bench.ledger));
      expect(entries[0]).toMatchObject({
        actor: cause.actor,
        requestId: cause.requestId,
        data: { evidence: cause.evidence },
      });
      expect(JSON.stringify(entries)).not.toContain("SECRET-CANARY");
    },
  ],
  [
    "a task's entries are those that name it, in order",
    async (bench) => {
      const [task, other] = [await bench.opened(), await bench.opened()];
      const lease = await bench.active(task);
      await bench.active(other);
      await bench.ended(task);
      const all = await readAll(bench.ledger);
      const { entries: own } = await bench.ledger.listAudit({ taskId: task.id, after: null, limit: 100 });
      expect(own).toEqual(all.filter((entry) => entry.taskId === task.id));
      expect(own.map((entry) => entry.type)).toEqual([
        "task.opened",
        "lease.intended",
        "lease.activated",
        "task.ended",
      ]);
      expect(own[1]).toMatchObject({ leaseId: lease.id, taskId: task.id });
      const half = await bench.ledger.listAudit({ taskId: task.id, after: null, limit: 2 });
      const later = await bench.ledger.listAudit({ taskId: task.id, after: half.next, limit: 1 });
      expect([...half.entries, ...later.entries]).toEqual(own.slice(0, 3));
    },
  ],
  [
    "a cursor at the end stays there until something is written, and then tells just that",
    async (bench) => {
      const [task, other] = [await bench.opened(), await bench.opened()];
      const head = await bench.ledger.auditHead();
      const nothing = await bench.ledger.listAudit({ taskId: null, after: head, limit: 10 });
      const own = await bench.ledger.listAudit({ taskId: task.id, after: null, limit: 10 });
      const noMore = await bench.ledger.listAudit({ taskId: task.id, after: own.next, limit: 10 });
      expect([nothing.entries, noMore.entries, noMore.next]).toEqual([[], [], own.next]);
      await bench.ended(other);
      // Of several shards the order is by time.
      bench.clock.advance(1);
      await bench.ended(task);
      const typesAfter = async (query: Pick<Parameters<Ledger["listAudit"]>[0], "taskId" | "after">) =>
        (await bench.ledger.listAudit({ ...query, limit: 10 })).entries.map((entry) => [entry.type, entry.taskId]);
      const ends = [other, task].map(({ id }) => ["task.ended", id]);
      expect(await typesAfter({ taskId: null, after: nothing.next })).toEqual(ends);
      expect(await typesAfter({ taskId: task.id, after: noMore.next })).toEqual(ends.slice(1));
      expect(await typesAfter({ taskId: null, after: await bench.ledger.auditHead() })).toEqual([]);
      const unheardOf = await bench.ledger.listAudit({ taskId: bench.ids.task(), after: null, limit: 10 });
      expect(unheardOf.entries).toEqual([]);
    },
  ],
  [
    "the newest entries come in order too, of all and of a task, and none from before",
    async (bench) => {
      const [task, other] = [await bench.opened(), await bench.opened()];
      await bench.active(task);
      await bench.active(other);
      const all = await readAll(bench.ledger);
      const own = all.filter((entry) => entry.taskId === task.id);
      const newest = async (query: Partial<ListAudit>) =>
        (await bench.ledger.listAudit({ taskId: null, after: null, limit: 2, newest: true, ...query })).entries;
      expect(await newest({})).toEqual(all.slice(-2));
      expect(await newest({ taskId: task.id })).toEqual(own.slice(-2));
      const { next } = await bench.ledger.listAudit({ taskId: null, after: null, limit: all.length - 1 });
      expect(await newest({ after: next })).toEqual(all.slice(-1));
      expect(await newest({ limit: 10_000 })).toEqual(all);
    },
  ],
  [
    "the life and death of a lease is told in full",
    async (bench) => {
      const task = await bench.opened();
      const lease = await bench.active(task);
      await bench.ended(task);
      await bench.sweep();
      const { fence } = await bench.claim();
      await bench.judge({ lease, fence }, { kind: "dead-unverified" });
      const told = (await readAll(bench.ledger))
        .filter((entry) => entry.leaseId === lease.id)
        .map((entry) => entry.type);
      expect(told).toEqual(["lease.intended", "lease.activated", "lease.due", "lease.revoked"]);
    },
  ],
  [
    "a kill names every lease that it makes due, alone or together with others of its task",
    async (bench) => {
      const task = await bench.opened();
      const leases = [await bench.active(task), await bench.active(task), await bench.active(task)];
      await bench.ended(task);
      await bench.sweep();
      const own = await bench.ledger.listAudit({ taskId: task.id, after: null, limit: 100 });
      const told = own.entries.filter((entry) => entry.type === "lease.due");
      expect(told.flatMap(({ leaseId, data }) => leaseId ?? data["leases"])).toEqual(leases.map(({ id }) => id));
      for (const { data } of told) expect(data).toMatchObject({ cause: "task_ended" });
    },
  ],
];

export function describeAudit(make: MakeHarness): void {
  describeRows("audit: one entry a change", make, answers);
  describeRows("audit: nothing happened, nothing written", make, refusals);
  describeRows("audit: the chain", make, chains);
}
