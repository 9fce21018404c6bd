/** Lines of the console against those that the broker on Node writes. */
import { pino } from "pino";
import { expect, it } from "vitest";
import { createEdgeLog } from "../../../src/entry/edge/edge-log.ts";
import { Redacted } from "../../../src/kernel/redacted.ts";

const fields = { provider: "ledger", tries: 3, held: true, error: null, text: 'a "quote"\nand a line' };
const withoutTime = (line: string) => line.replace(/"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"/, '"time":"T"');

it.each(["info", "warn", "error"] as const)("%s is told in the same words", (severity) => {
  const lines: string[] = [];
  const node = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, { write: (line) => lines.push(line) });
  createEdgeLog("info", (method, line) => lines.push(`${line}\n`, method))[severity]("a_thing", fields);
  node[severity]({ event: "a_thing", ...fields });
  expect(lines[1]).toBe(severity);
  expect(withoutTime(lines[0] ?? "")).toBe(withoutTime(lines[2] ?? ""));
  expect(lines[0]).toContain('"event":"a_thing"');
});

it.each([
  ["debug", ["info", "warn", "error"]],
  ["warn", ["warn", "error"]],
  ["silent", []],
] as const)("at %s it tells %j", (level, told) => {
  const methods: string[] = [];
  const log = createEdgeLog(level, (method) => methods.push(method));
  log.info("a");
  log.warn("b");
  log.error("c");
  expect(methods).toEqual(told);
});

it("a secret that came this far is not printed", () => {
  const lines: string[] = [];
  const secret = new Redacted("canary", "token") as unknown as string;
  createEdgeLog("info", (_, line) => lines.push(line)).info("a_thing", { secret });
  expect(lines.join()).not.toContain("canary");
});
