/** An agent that asks in a loop for what it may not have does not fill the audit, and nothing it did goes uncounted. */
import { beforeEach, expect, it } from "vitest";
import type { Fault } from "../../src/broker/fault.ts";
import { createRefusalNotes, type RefusalNotes, type Refused } from "../../src/broker/note-refusal.ts";
import type { Caller } from "../../src/broker/parts.ts";
import { openMemoryLedger } from "../../src/engines/memory/ledger.ts";
import { emptyState } from "../../src/engines/memory/state.ts";
import { brand } from "../../src/kernel/brand.ts";
import { maxRefusalsNoted, refusalWindowMillis } from "../../src/kernel/limits.ts";
import { seconds } from "../../src/kernel/time.ts";
import { parsePattern } from "../../src/policy/pattern.ts";
import type { Ledger } from "../../src/ports/ledger.ts";
import { createManualClock, type ManualClock } from "../support/manual-clock.ts";

let clock: ManualClock;
let ledger: Ledger;
let notes: RefusalNotes;
let counted: number;
beforeEach(() => {
  clock = createManualClock();
  ledger = openMemoryLedger({ clock, state: emptyState() });
  counted = 0;
  const metrics = { count: () => void (counted += 1), gauge: () => {}, observeSeconds: () => {} };
  notes = createRefusalNotes({ ledger, clock, metrics });
});

const subject = parsePattern("bot");
if (!subject.ok) throw new Error("no pattern");
const pattern = subject.value;

const callerCalled = (name: string): Caller => ({
  identity: {
    issuer: brand("corp"),
    issuerUrl: "https://idp.example",
    subject: name,
    claims: {},
    kind: "jwt",
    digest: brand("digest"),
    expiresAt: clock.now(),
    replay: { mode: "reusable" },
  },
  profile: {
    name: brand(name),
    identity: { issuer: brand("corp"), subject: pattern, claims: {} },
    owners: { businessApprover: "a", technicalCustodian: "b" },
    role: { kind: "agent", delegation: null, autoTasks: 1, openTasks: 1 },
  },
  requestId: brand("req_1"),
});

const request: Refused = { request: "exchange", taskId: null, names: { template: "payroll" } };

const denied: Fault = { code: "denied", why: "guardrail", detail: "" };
const full: Fault = { code: "limit_reached", limit: "liveLeases", retryAfterSeconds: seconds(10) };

async function refuse(name: string, fault: Fault, times: number): Promise<void> {
  for (let time = 0; time < times; time += 1) await notes.note(callerCalled(name), request, fault);
}

const entries = async () => (await ledger.listAudit({ taskId: null, after: null, limit: 200 })).entries;
const unlisted = async () => (await entries()).filter(({ data }) => "unlisted" in data);

it("the first refusals of a window are entries of their own, the rest is counted only", async () => {
  await refuse("bot", denied, maxRefusalsNoted + 100);
  expect((await entries()).map(({ data }) => data["template"])).toEqual(Array(maxRefusalsNoted).fill("payroll"));
  expect(counted).toBe(maxRefusalsNoted + 100);
});

it.each<[string, () => Promise<void>]>([
  ["the housekeeper's look", () => notes.closeWindows()],
  ["another agent's refusal", () => refuse("other", denied, 1)],
])("the count of a window that is over is written at %s", async (_, look) => {
  await refuse("bot", denied, maxRefusalsNoted + 7);
  clock.advance(refusalWindowMillis - 1);
  await look();
  expect(await unlisted(), "not before its end").toEqual([]);
  clock.advance(1);
  await look();
  await look();
  expect(await unlisted()).toMatchObject([
    {
      type: "request.refused",
      actor: "agent:bot",
      taskId: null,
      data: { code: "denied", request: "exchange", why: "guardrail", unlisted: 7, window_seconds: 60 },
    },
  ]);
});

it("a window that hid nothing leaves no count", async () => {
  await refuse("bot", denied, maxRefusalsNoted);
  clock.advance(refusalWindowMillis);
  await notes.closeWindows();
  expect(await unlisted()).toEqual([]);
});

it.each<[string, () => Promise<void>]>([
  ["another agent", () => refuse("other", denied, 1)],
  ["another reason", () => refuse("bot", full, 1)],
  ["another kind of request", () => notes.note(callerCalled("bot"), { ...request, request: "open_task" }, denied)],
  ["the next window", () => (clock.advance(refusalWindowMillis), refuse("bot", denied, 1))],
])("%s has entries of its own", async (_, again) => {
  await refuse("bot", denied, maxRefusalsNoted);
  await again();
  expect(await entries()).toHaveLength(maxRefusalsNoted + 1);
});

it("what decides nothing about the caller is counted and not audited", async () => {
  await refuse("bot", { code: "unavailable", why: "store", retryAfterSeconds: seconds(1) }, 3);
  expect(await entries()).toEqual([]);
  expect(counted).toBe(3);
});
