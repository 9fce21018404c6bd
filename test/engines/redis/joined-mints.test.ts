/** A completion that is asked for with its intent is one script with it, and answers as if it had come by itself. */
import { afterEach, expect, it } from "vitest";
import { brand } from "../../../src/kernel/brand.ts";
import type { Fingerprint } from "../../../src/kernel/digest.ts";
import { addMillis, seconds } from "../../../src/kernel/time.ts";
import type { CompleteMint, RecordIntent } from "../../../src/ports/ledger-commands.ts";
import { broker, createBuilders } from "../../support/builders.ts";
import { openRedisWorld, type RedisWorld } from "../../support/redis-nodes.ts";
import { endOf, present, valueOf } from "../../kit/ledger/bench.ts";

let world: RedisWorld | null = null;
afterEach(async () => {
  await world?.close();
  world = null;
});

/** Reserved in another shard before the intent's own script. */
const rate = { limit: "mintsPerMinutePerAgent", counter: "agent:invoice-bot", max: 10, perSeconds: seconds(60) };
const full = { ...rate, max: 0 };

async function scene() {
  const opened = await openRedisWorld(4);
  world = opened;
  const { ledger } = await opened.node();
  const builders = createBuilders({ clock: opened.clock });
  const task = valueOf(await ledger.openTask(builders.openTask()));
  const intentOf = (limits: RecordIntent["limits"]): RecordIntent => builders.recordIntent(task.id, { limits });
  const completionOf = ({ lease }: RecordIntent, wish: Partial<CompleteMint> = {}): CompleteMint => {
    const expiresAt = addMillis(opened.clock.now(), 60_000);
    return { ...completion, leaseId: lease.id, handle: lease.handle, expiresAt, nativeExpiresAt: expiresAt, ...wish };
  };
  async function together(intent: RecordIntent, wish: Partial<CompleteMint> = {}) {
    opened.ran.length = 0;
    const command = completionOf(intent, wish);
    const [recorded, completed] = await Promise.all([ledger.recordIntent(intent), ledger.completeMint(command)]);
    return { recorded, completed, ran: opened.ran.map(({ name }) => name) };
  }
  return { opened, ledger, task, intentOf, completionOf, together };
}

const completion = { sealed: null, fingerprint: null, provenAlive: false, rejectAs: null, cause: broker } as const;

it.each([
  ["without a limit", []],
  ["behind a reservation", [rate]],
])("an intent and its completion are one script, %s", async (_, limits) => {
  const { ledger, intentOf, together } = await scene();
  const intent = intentOf(limits);
  const { recorded, completed, ran } = await together(intent);
  expect(ran.filter((name) => /intent|mint/.test(name))).toEqual(["record_intent"]);
  expect(recorded).toMatchObject({
    kind: "ok",
    value: { lease: { id: intent.lease.id, state: { kind: "intended" } } },
  });
  expect(completed).toMatchObject({
    kind: "ok",
    value: { outcome: "activated", lease: { state: { kind: "active" } } },
  });
  const [first, second] = [recorded, completed].map((answer) => (answer.kind === "ok" ? answer.sequence : 0));
  expect(second).toBe((first ?? 0) + 1);
  const view = present(await ledger.readLease(intent.lease.id));
  expect(completed).toMatchObject({ value: { lease: view.lease } });
  expect((await ledger.summarize(view.task.id)).byState).toMatchObject({ intended: 0, active: 1 });
});

it("a mint that must not be delivered is due in the same script", async () => {
  const { intentOf, together } = await scene();
  const { completed, ran } = await together(intentOf([]), { rejectAs: "scope_widened" });
  expect(completed).toMatchObject({ kind: "ok", value: { outcome: "closed", lease: { state: { kind: "revoking" } } } });
  expect(ran).not.toContain("complete_mint");
});

it("what was done together is answered alike when it is asked again", async () => {
  const { intentOf, together } = await scene();
  const intent = intentOf([rate]);
  const once = await together(intent);
  const again = await together(intent);
  expect(again.completed).toEqual(once.completed);
  expect(again.ran).toContain("complete_mint");
});

it.each<[string, (parts: Awaited<ReturnType<typeof scene>>) => Promise<RecordIntent>]>([
  [
    "of an ended task",
    async ({ ledger, task, intentOf }) => {
      valueOf(await ledger.endTask(endOf(task.id)));
      return intentOf([]);
    },
  ],
  ["at a full limit", async ({ intentOf }) => intentOf([full])],
])("an intent that is refused, %s, leaves nothing to complete", async (_, makeIntent) => {
  const parts = await scene();
  const intent = await makeIntent(parts);
  const { recorded, completed } = await parts.together(intent);
  expect(recorded.kind).toBe("conflict");
  expect(completed).toEqual({ kind: "conflict", conflict: { reason: "not_intended" } });
  expect(await parts.ledger.readLease(intent.lease.id)).toBeUndefined();
});

it("an intent whose script does not reach its shard completes nothing", async () => {
  const { opened, ledger, intentOf, together } = await scene();
  opened.cutOff(({ name }) => name === "record_intent");
  const intent = intentOf([]);
  const { recorded, completed } = await together(intent);
  expect([recorded.kind, completed.kind]).toEqual(["unknown", "conflict"]);
  opened.cutOff(null);
  expect(await ledger.readLease(intent.lease.id)).toBeUndefined();
});

it("a fingerprint is pointed to before the completion, which goes by itself", async () => {
  const { ledger, intentOf, together } = await scene();
  const intent = intentOf([]);
  const fingerprint = brand<Fingerprint>("f".repeat(43));
  const { completed, ran } = await together(intent, { fingerprint });
  expect(completed).toMatchObject({ kind: "ok", value: { outcome: "activated" } });
  expect(ran.filter((name) => /intent|mint|print/.test(name))).toEqual([
    "record_intent",
    "point_print",
    "complete_mint",
  ]);
  expect((await ledger.findLease(fingerprint))?.lease.id).toBe(intent.lease.id);
});

it("a completion that comes later goes by itself", async () => {
  const { opened, ledger, intentOf, completionOf } = await scene();
  const intent = intentOf([]);
  valueOf(await ledger.recordIntent(intent));
  expect(await ledger.completeMint(completionOf(intent))).toMatchObject({ value: { outcome: "activated" } });
  expect(opened.ran.map(({ name }) => name)).toContain("complete_mint");
});
