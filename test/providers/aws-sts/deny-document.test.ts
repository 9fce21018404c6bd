/** The deny policy of a role as a pure document: what it covers, how large it is, and what is read out of one. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  charactersOf,
  deniableIn,
  deniedBy,
  denyDocument,
  isSameDocument,
  maxDeniable,
  roleCharacters,
  type Denial,
} from "../../../providers/aws-sts/deny-document.ts";
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
const roomy = { characters: roleCharacters, overflow: "refuse", standing: none } as const;

describe("aws-sts deny document: properties", () => {
  it("covers or names each denial, never both, and never grows beyond its room", () => {
    fc.assert(
      fc.property(denials, fc.nat(roleCharacters), fc.constantFrom("refuse", "cutoff"), (all, characters, overflow) => {
        const { text, cutoff, uncovered } = denyDocument(all, { characters, overflow, standing: none });
        expect(text?.length ?? 0).toBeLessThanOrEqual(characters);
        const denied = deniedBy(text);
        expect(denied.cutoff).toBe(cutoff);
        for (const { sessionName, issuedBefore } of all) {
          const covered = denied.sessions.has(sessionName) || (cutoff !== null && issuedBefore < cutoff);
          expect(covered).toBe(!uncovered.includes(sessionName));
        }
        expect([...denied.sessions].every(isSessionName)).toBe(true);
      }),
    );
  });

  it("is the same whatever the order that the ledger lists them in", () => {
    fc.assert(
      fc.property(denials, (all) => {
        expect(denyDocument(all.toReversed(), roomy)).toEqual(denyDocument(all, roomy));
      }),
    );
  });

  it("recognises itself, plain and percent-encoded, and nothing with one entry less", () => {
    fc.assert(
      fc.property(denials, (all) => {
        const { text } = denyDocument(all, roomy);
        expect(isSameDocument(text, text)).toBe(true);
        if (text === null) return;
        expect(isSameDocument(encodeURIComponent(text), text)).toBe(true);
        expect(charactersOf(encodeURIComponent(text))).toBe(text.length);
        expect(isSameDocument(denyDocument(all.slice(1), roomy).text, text)).toBe(false);
      }),
    );
  });
});

describe("aws-sts deny document", () => {
  it("holds as many as it says into a role's 10,240 characters", () => {
    const many = Array.from({ length: maxDeniable + 1 }, (_, index) => denial(index));
    expect(maxDeniable).toBeGreaterThan(390);
    expect(denyDocument(many.slice(1), roomy).uncovered).toEqual([]);
    expect(denyDocument(many, roomy).uncovered).toEqual(names([denial(0)]));
    expect(denyDocument(many.slice(1), roomy).text?.length).toBeLessThanOrEqual(roleCharacters);
    expect(deniableIn(roleCharacters - 25)).toBe(maxDeniable - 1);
  });

  it("cuts off the oldest at a whole second that is after the last of them, where that is allowed", () => {
    const all = [denial(1, startOfTests + 999), denial(2, startOfTests + 5_000)];
    const characters = 330;
    expect(deniableIn(characters)).toBe(1);
    const { text, cutoff, uncovered } = denyDocument(all, { characters, overflow: "cutoff", standing: none });
    expect(uncovered).toEqual([]);
    expect(cutoff).toBe(startOfTests + 2_000);
    expect(text).toContain('"aws:TokenIssueTime":"2026-11-22T10:00:02Z"');
  });

  it("never takes the place of one that stands, unless the old are cut off", () => {
    const [old, young] = [denial(1, startOfTests), denial(2, startOfTests + 5_000)];
    const standing = new Set(names([old]));
    const characters = 330;
    expect(deniableIn(characters)).toBe(1);
    expect(denyDocument([old, young], { characters, overflow: "refuse", standing }).uncovered).toEqual(names([young]));
    expect(denyDocument([old, young], { characters, overflow: "cutoff", standing }).uncovered).toEqual([]);
  });

  it("is nothing where nothing is denied", () => {
    expect(denyDocument([], roomy)).toEqual({ text: null, cutoff: null, uncovered: [] });
    expect(isSameDocument(null, null)).toBe(true);
    expect(isSameDocument("{}", null)).toBe(false);
  });

  const standing = denyDocument([denial(7)], roomy).text ?? "";
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
