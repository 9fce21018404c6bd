/** The denials of a role as pure documents: what it covers, how large it is, and what is read out of one. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  charactersOf,
  deniableIn,
  deniedBy,
  denyText,
  inlineSid,
  isSameDocument,
  maxDeniable,
  maxOverflow,
  roleCharacters,
  sidOf,
  type Standing,
} from "../../../providers/aws-sts/deny-document.ts";
import { planDenials, type Denial, type DenyPlan, type Space } from "../../../providers/aws-sts/deny-plan.ts";
import { isSessionName } from "../../../providers/aws-sts/session-name.ts";
import { base32FromInteger } from "../../../src/kernel/base32.ts";
import { epochMillis } from "../../../src/kernel/time.ts";
import { startOfTests } from "../../support/provider-requests.ts";

const denial = (index: number, issuedBefore = startOfTests + index): Denial => ({
  sessionName: `jit-${base32FromInteger(index, 16)}`,
  issuedBefore: epochMillis(issuedBefore),
});
const denials = fc
  .uniqueArray(fc.tuple(fc.nat(2_000_000), fc.nat(100_000_000)), { maxLength: 600, selector: ([index]) => index })
  .map((pairs) => pairs.map(([index, age]) => denial(index, startOfTests - age)));
const names = (all: readonly Denial[]): string[] => all.map(({ sessionName }) => sessionName).sort();
const none: ReadonlySet<string> = new Set();
const nothing: Space["standing"] = { inline: { sessions: none, cutoff: null }, overflow: { sessions: none } };
const roomy: Space = { characters: roleCharacters, overflow: 0, mayCutOff: false, standing: nothing };
const textOf = ({ inline, cutoff }: Pick<DenyPlan, "inline" | "cutoff">): string =>
  denyText({ names: inline, cutoff, addedAt: startOfTests }, inlineSid);
const planned = (all: readonly Denial[], space: Partial<Space> = {}): DenyPlan =>
  planDenials(all, { ...roomy, ...space });
/** Room for one entry. */
const characters = roleCharacters - (maxDeniable - 1) * 25;
const withRoomOf = (inline: number, overflow: number): Partial<Space> => ({
  characters: roleCharacters - (maxDeniable - inline) * 25,
  overflow,
});

describe("aws-sts denials: properties", () => {
  it("covers or names each denial, never both, and never grows beyond its room", () => {
    const spaces = fc.record({ characters: fc.nat(roleCharacters), overflow: fc.nat(300), mayCutOff: fc.boolean() });
    fc.assert(
      fc.property(denials, spaces, (all, space) => {
        const plan = planned(all, space);
        const text = textOf(plan);
        const isWritten = plan.inline.length > 0 || plan.cutoff !== null;
        expect(isWritten ? text.length : 0).toBeLessThanOrEqual(space.characters);
        expect(plan.overflow.length).toBeLessThanOrEqual(space.overflow);
        const denied = deniedBy(text);
        expect(denied.cutoff).toBe(plan.cutoff);
        for (const { sessionName, issuedBefore } of all) {
          const isNamed = denied.sessions.has(sessionName) || plan.overflow.includes(sessionName);
          const covered = isNamed || (plan.cutoff !== null && issuedBefore < plan.cutoff);
          expect(covered).toBe(!plan.uncovered.includes(sessionName));
        }
        expect([...denied.sessions].every(isSessionName)).toBe(true);
      }),
    );
  });

  it("leaves no session free that was denied, before, between and after the two writes, whatever fails", () => {
    const step = fc.record({
      added: fc.nat(12),
      over: fc.array(fc.nat(60), { maxLength: 10 }),
      overflow: fc.constantFrom("answers", "fails for now", "fails"),
      mayCutOff: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.nat(8), fc.nat(8), fc.array(step, { maxLength: 12 }), (inlineRoom, overflowRoom, steps) => {
        let wanted: readonly Denial[] = [];
        let inline: Pick<Standing, "sessions" | "cutoff"> = { sessions: none, cutoff: null };
        let overflow: ReadonlySet<string> = none;
        let made = 0;
        for (const { added, over, overflow: state, mayCutOff } of steps) {
          const isFree = (one: Denial): boolean =>
            !inline.sessions.has(one.sessionName) &&
            !overflow.has(one.sessionName) &&
            (inline.cutoff === null || one.issuedBefore >= inline.cutoff);
          wanted = wanted.filter((_, at) => !over.includes(at));
          const mustStay = wanted.filter((one) => !isFree(one));
          wanted = [...wanted, ...Array.from({ length: added }, () => denial((made += 1), startOfTests + made * 700))];
          const plan = planned(wanted, {
            ...withRoomOf(inlineRoom, state === "answers" ? overflowRoom : 0),
            mayCutOff: mayCutOff && state !== "fails for now",
            standing: { inline, overflow: { sessions: state === "answers" ? overflow : none } },
          });
          const isLeftAsItIs = plan.inline.length === 0 && plan.cutoff === null && wanted.length > 0;
          if (!isLeftAsItIs) inline = { sessions: new Set(plan.inline), cutoff: plan.cutoff };
          expect(mustStay.filter(isFree), "between").toEqual([]);
          if (state === "answers") overflow = new Set(plan.overflow);
          expect(mustStay.filter(isFree), "afterwards").toEqual([]);
          const free = wanted.filter(isFree).map(({ sessionName }) => sessionName);
          expect(free.filter((name) => !plan.uncovered.includes(name))).toEqual([]);
        }
      }),
      { numRuns: 400 },
    );
  });

  it("is the same whatever the order that the ledger lists them in", () => {
    fc.assert(
      fc.property(denials, (all) => {
        expect(planned(all.toReversed())).toEqual(planned(all));
      }),
    );
  });

  it("recognises itself, plain and percent-encoded, and nothing with one entry less", () => {
    fc.assert(
      fc.property(denials, (all) => {
        const text = textOf(planned(all));
        expect(isSameDocument(text, text)).toBe(true);
        expect(isSameDocument(encodeURIComponent(text), text)).toBe(true);
        expect(charactersOf(encodeURIComponent(text))).toBe(text.length);
        expect(isSameDocument(textOf(planned(all.slice(1))), text)).toBe(all.length === 0);
      }),
    );
  });
});

describe("aws-sts denials", () => {
  const many = Array.from({ length: maxDeniable + maxOverflow + 1 }, (_, index) => denial(index));

  it("hold as many as they say into a role's 10,240 characters", () => {
    expect(maxDeniable).toBeGreaterThan(390);
    expect(planned(many.slice(-maxDeniable)).uncovered).toEqual([]);
    expect(planned(many.slice(-maxDeniable - 1)).uncovered).toHaveLength(1);
    expect(textOf(planned(many)).length).toBeLessThanOrEqual(roleCharacters);
    expect(deniableIn(roleCharacters - 25)).toBe(maxDeniable - 1);
  });

  it("hold as many as they say into the 6,144 characters of an overflow policy, whatever the provider is called", () => {
    expect(maxOverflow).toBeGreaterThan(225);
    const { overflow, uncovered } = planned(many, { overflow: maxOverflow });
    expect(uncovered).toEqual(names(many.slice(0, 1)));
    expect(overflow).toHaveLength(maxOverflow);
    const sid = `MayflyOverflow${"m".repeat(10)}${"n".repeat(63)}At`;
    const text = denyText({ names: overflow, cutoff: null, addedAt: startOfTests }, sid);
    expect(text.length).toBeLessThanOrEqual(6_144);
    expect(text.length).toBeGreaterThan(6_144 - 60);
    expect(sidOf(text)).toBe(sid);
  });

  it("go into the role's own policy first, and come back into it where that has room again", () => {
    const [first, second, third] = many.map(({ sessionName }) => sessionName);
    const all = many.slice(0, 3);
    const before = planned(all, withRoomOf(1, 5));
    expect([before.inline.length, before.overflow.length]).toEqual([1, 2]);
    const standing: Space["standing"] = {
      inline: { sessions: new Set([first ?? ""]), cutoff: null },
      overflow: { sessions: new Set([second ?? "", third ?? ""]) },
    };
    expect(planned(all, { ...withRoomOf(1, 5), standing })).toMatchObject({
      inline: [first],
      overflow: [third, second],
    });
    expect(planned(all.slice(1), { ...withRoomOf(1, 5), standing }).inline).toEqual([third]);
    expect(planned(all, { ...withRoomOf(3, 5), standing }).overflow).toEqual([]);
    const another = many[0] === undefined ? [] : [{ ...many[0], sessionName: "jit-zzzzzzzzzzzzzzzz" }];
    expect(planned([...all, ...another], { ...withRoomOf(2, 5), standing })).toMatchObject({
      inline: [first, "jit-zzzzzzzzzzzzzzzz"],
      overflow: [third, second],
    });
  });

  it("cut off the oldest at a whole second that is after the last of them, where that is allowed", () => {
    const all = [denial(1, startOfTests + 999), denial(2, startOfTests + 5_000)];
    expect(deniableIn(characters)).toBe(1);
    const plan = planned(all, { characters, mayCutOff: true });
    expect(plan.uncovered).toEqual([]);
    expect(plan.cutoff).toBe(startOfTests + 2_000);
    expect(textOf(plan)).toContain('"aws:TokenIssueTime":"2026-11-22T10:00:02Z"');
    expect(planned(all, { characters, overflow: 1, mayCutOff: true }).cutoff).toBe(null);
  });

  it("never take the place of one that stands, unless the old are cut off", () => {
    const [old, young] = [denial(1, startOfTests), denial(2, startOfTests + 5_000)];
    const standing = { ...nothing, inline: { sessions: new Set(names([old])), cutoff: null } };
    expect(planned([old, young], { characters, standing }).uncovered).toEqual(names([young]));
    expect(planned([old, young], { characters, standing, mayCutOff: true }).uncovered).toEqual([]);
  });

  it("are nothing where nothing is denied, and a policy without any denies nobody", () => {
    expect(planned([])).toEqual({ inline: [], overflow: [], cutoff: null, uncovered: [] });
    expect(isSameDocument(null, null)).toBe(true);
    expect(isSameDocument("{}", null)).toBe(false);
    const empty = deniedBy(textOf({ inline: [], cutoff: null }));
    expect(empty).toEqual({ sessions: none, cutoff: null, addedAt: startOfTests });
  });

  const standing = textOf(planned([denial(7)]));
  it.each<[string, string | null, number]>([
    ["what it wrote", standing, 1],
    ["nothing", null, 0],
    ["no JSON", "not a policy", 0],
    ["an Allow", standing.replace('"Deny"', '"Allow"'), 0],
    ["a denial of one service only", standing.replace('"Action":"*"', '"Action":"s3:*"'), 0],
    ["a denial of one resource only", standing.replace('"Resource":"*"', '"Resource":"arn:aws:s3:::a"'), 0],
    [
      "a further condition",
      standing.replace('"Condition":{', '"Condition":{"Bool":{"aws:SecureTransport":"false"},'),
      0,
    ],
    ["another operator", standing.replace("StringLike", "StringNotLike"), 0],
    ["one text instead of a list", standing.replace(/\[("\*:[^"]+")\]/, "$1"), 1],
    ["an escape that is none", `%7B${standing}%`, 0],
  ])("what is denied by %s", (_, text, count) => {
    expect(deniedBy(text).sessions.size).toBe(count);
  });
});
