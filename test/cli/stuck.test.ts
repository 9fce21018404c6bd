/** What an operator does after mending what a provider refused. No worker runs here, so that what became due is seen. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Lease } from "../../src/domain/lease.ts";
import { stuckRetryMillis } from "../../src/kernel/limits.ts";
import { millis } from "../../src/kernel/time.ts";
import { operator } from "../support/builders.ts";
import { startCliWorld, type CliWorld } from "./world.ts";

let world: CliWorld;
beforeAll(async () => {
  world = await startCliWorld({ kills: false });
});
afterAll(() => world.close());

let claims = 0;

/** A credential that its provider refused to kill just now. */
async function stuckLease(): Promise<Lease> {
  const taskId = await world.openTask();
  await world.as("bot", ["token", "api-read", "--task", taskId]);
  const [fresh] = await world.ledger.listLeases({ taskId: taskId as Lease["taskId"], after: null, limit: 1 });
  if (fresh === undefined) throw new Error("nothing was issued");
  await world.ledger.makeDue({ leaseId: fresh.id, killCause: "requested", delay: millis(0), cause: operator });
  const fence = `fence-${(claims += 1)}`;
  await world.ledger.claimDue({ target: fresh.target, limit: 50, claim: millis(30_000), fence });
  const outcome = { kind: "refused", reason: "invalid_client", fix: "renew the client" } as const;
  const judged = await world.ledger.recordVerdict({ leaseId: fresh.id, fence, outcome, jitter: 0 });
  if (judged.kind !== "ok") throw new Error("the verdict was not taken");
  await world.ledger.releaseClaim({ fence });
  return judged.value;
}

async function nextTryIn({ id }: Lease): Promise<number> {
  const state = (await world.ledger.readLease(id))?.lease.state;
  if (state?.kind !== "stuck") throw new Error("is not stuck");
  return state.dueAt - Date.now();
}

let [one, other]: Lease[] = [];
beforeEach(async () => {
  [one, other] = [await stuckLease(), await stuckLease()];
});
const stuck = (): readonly [Lease, Lease] => {
  if (one === undefined || other === undefined) throw new Error("no stuck lease");
  return [one, other];
};
const slowMillis = stuckRetryMillis / 2;

describe("cli: stuck retry", () => {
  it("of one credential leaves the others at their slow pace", async () => {
    const [first, second] = stuck();
    const ran = await world.as("desk", ["stuck", "retry", first.id]);
    expect(ran).toMatchObject({ code: 0, stdout: "" });
    expect(ran.stderr).toContain("1 credential is tried again now");
    expect(await nextTryIn(first)).toBeLessThanOrEqual(0);
    expect(await nextTryIn(second)).toBeGreaterThan(slowMillis);
  });

  it.each([[["--all"]], [["--target", "own"]]])("%s takes all of them", async (flags) => {
    const ran = await world.as("desk", ["stuck", "retry", ...flags, "--json"]);
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect((JSON.parse(ran.stdout) as { retried: number }).retried).toBeGreaterThanOrEqual(2);
    for (const lease of stuck()) expect(await nextTryIn(lease)).toBeLessThanOrEqual(0);
  });

  it("of a credential that lives leaves it alone", async () => {
    const taskId = await world.openTask();
    await world.as("bot", ["token", "api-read", "--task", taskId]);
    const query = { taskId: taskId as Lease["taskId"], after: null, limit: 1 };
    const [before] = await world.ledger.listLeases(query);
    const ran = await world.as("desk", ["stuck", "retry", before?.id ?? ""]);
    expect(ran).toMatchObject({ code: 0, stderr: "nothing there waits for another attempt\n" });
    expect(await world.ledger.listLeases(query)).toEqual([before]);
  });

  const refused: readonly [string, "desk" | "viewer", readonly string[], number][] = [
    ["without a word which", "desk", [], 2],
    ["with two words which", "desk", ["--all", "--target", "own"], 2],
    ["by someone who may only read", "viewer", ["--all"], 3],
    ["of a target that is not there", "desk", ["--target", "nowhere"], 3],
    ["of a credential that is not there", "desk", [`lea_${"0".repeat(21)}`], 3],
    ["of what is no id", "desk", ["lea_1"], 2],
  ];
  it.each(refused)("%s changes nothing", async (_, who, args, code) => {
    expect(await world.as(who, ["stuck", "retry", ...args])).toMatchObject({ code, stdout: "" });
    for (const lease of stuck()) expect(await nextTryIn(lease)).toBeGreaterThan(slowMillis);
  });
});

describe("cli: targets", () => {
  it("retry takes what is stuck there, and says so where it is paused", async () => {
    await world.as("desk", ["targets", "pause", "own"]);
    const paused = await world.as("desk", ["targets", "retry", "own"]);
    expect(paused.stderr).toMatch(/own is paused[^]*targets resume/);
    await world.as("desk", ["targets", "resume", "own"]);
    expect((await world.as("desk", ["targets", "retry", "own"])).stderr).toMatch(
      /own: what waited is tried now, \d+ stuck/,
    );
    for (const lease of stuck()) expect(await nextTryIn(lease)).toBeLessThanOrEqual(0);
    expect((await world.as("viewer", ["targets", "retry", "own"])).code).toBe(3);
    expect((await world.as("desk", ["targets", "retry", "nowhere"])).code).toBe(3);
  });

  it("show tells all that is known of one, and ls how many are stuck", async () => {
    const [{ stuckLeases: count }] = [(await world.ledger.health()).counts];
    const shown = await world.as("viewer", ["targets", "show", "own"]);
    expect(shown).toMatchObject({ code: 0, stderr: "" });
    expect(shown.stdout).toMatch(
      new RegExp(`^target +own\nprovider +own\nstate +ok\n[^]*\nstuck +${count}\nkill +[^\n]+\nbreaker +closed`),
    );
    const asJson = await world.as("viewer", ["targets", "show", "own", "--json"]);
    expect(JSON.parse(asJson.stdout)).toMatchObject({ target: "own", stuck: count, claimed: 0, paused: false });
    const listed = await world.as("viewer", ["targets", "ls"]);
    expect(listed.stdout).toMatch(new RegExp(`\nown +ok +\\d+ +\\S+ +0 +${count}\n`));
    expect(await world.as("viewer", ["targets", "show", "nowhere"])).toMatchObject({ code: 3, stdout: "" });
  });
});
