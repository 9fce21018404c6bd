/** `Prefer: wait` (RFC 7240): what is honoured, and what is ignored as if it were not there. */
import { expect, it } from "vitest";
import { waitPreferred } from "../../src/http/prefer.ts";

it.each([
  ["wait=10", 10],
  ["wait=0", 0],
  ["wait=31", 30],
  ["wait=999999999", 30],
  ["WAIT=5", 5],
  ['wait="7"', 7],
  ["wait = 3", 3],
  ["respond-async, wait=4", 4],
  ["wait=6; foo=bar", 6],
  ["wait=2, wait=9", 2],
])("%s waits %i seconds and says so", (prefer, applied) => {
  expect(waitPreferred(prefer)).toEqual({ seconds: applied, headers: { "Preference-Applied": `wait=${applied}` } });
});

it.each([
  [undefined],
  [""],
  ["wait"],
  ["wait="],
  ["wait=-1"],
  ["wait=1.5"],
  ["wait=ten"],
  ["wait=1e3"],
  ["wait=9999999999"],
  ["waiting=5"],
  ["respond-async"],
  ["wait=x, wait=5"],
])("%s is ignored", (prefer) => {
  expect(waitPreferred(prefer)).toEqual({ seconds: 0, headers: {} });
});
