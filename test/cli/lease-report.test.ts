/** What a person reads of a credential whose provider was never seen to kill. */
import { expect, it } from "vitest";
import { leaseRow } from "../../src/cli/lease-report.ts";

const line = { lease_id: "lease", template: "t", provider: "p", state: "revoking", verdict: "pending", attempts: 2 };

it.each<[string, object, string]>([
  ["was never seen", { kill_seen: false }, "tried 2 times, its provider's kill was not yet seen"],
  ["is not said to be unseen", {}, "tried 2 times"],
])("a line whose kill %s", (_, more, detail) => {
  expect(leaseRow({ ...line, ...more }).at(-1)).toBe(detail);
});
