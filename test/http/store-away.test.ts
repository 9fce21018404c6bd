/** A store that answers no reading: every path says so, when to ask again, and that it is no bug. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { StoreAwayError } from "../../src/domain/store-away.ts";
import type { Ledger } from "../../src/ports/ledger.ts";
import { createWorld, type Sent, type World } from "./world.ts";

let world: World;
let task: string;
let token: string;
let lease: string;
let thrown: Error | null = null;

/** Readings as a Redis ledger fails them; what changes something has an answer for that. */
const reading = /^(read|list|find|summarize|blastRadius|auditHead|health)/;
const around = (ledger: Ledger): Ledger =>
  new Proxy(ledger, {
    get(target, name, receiver) {
      const member: unknown = Reflect.get(target, name, receiver);
      return thrown !== null && reading.test(String(name)) ? () => Promise.reject(thrown) : member;
    },
  });

beforeAll(async () => {
  world = await createWorld({ around });
  task = await world.openTask();
  const issued = (await world.exchange({ task_id: task })).body;
  [token, lease] = [String(issued["access_token"]), String(issued["lease_id"])];
});
afterAll(() => world.close());

const form = (fields: Record<string, string>) => ({
  body: new URLSearchParams(fields).toString(),
  headers: { "Content-Type": "application/x-www-form-urlencoded" },
});

const asked: readonly [string, () => Promise<Sent>][] = [
  ["a task", () => world.send("GET", `/tasks/${task}`, { as: "planner" })],
  ["a heartbeat", () => world.send("POST", `/tasks/${task}/heartbeat`, { as: "bot" })],
  ["an end", () => world.send("POST", `/tasks/${task}/end`, { as: "planner", json: { outcome: "completed" } })],
  ["a lease", () => world.send("GET", `/leases/${lease}`, { as: "bot" })],
  ["a credential", () => world.exchange({ task_id: task })],
  ["a revocation", () => world.send("POST", "/revoke", form({ token }))],
  ["the audit", () => world.operate("GET", "/audit/entries", { as: "viewer" })],
  ["targets", () => world.operate("GET", "/admin/targets", { as: "viewer" })],
  ["a blast radius", () => world.operate("GET", "/admin/blast-radius?scope=all", { as: "viewer" })],
];

it.each(asked)("%s: 503, when to ask again, and why", async (_, ask) => {
  thrown = new StoreAwayError("ECONNREFUSED");
  const answer = await ask();
  expect([answer.status, answer.headers.get("retry-after"), answer.body["reason"]]).toEqual([503, "1", "store"]);
});

it.each(asked)("%s: a fault of ours is none of the store's", async (_, ask) => {
  thrown = new TypeError("a bug");
  expect((await ask()).status).toBe(500);
});
