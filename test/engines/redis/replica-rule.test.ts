/** For which masters a replica is waited for, as replicas and masters come and go. */
import { expect, it } from "vitest";
import { createReplicaRule } from "../../../src/engines/redis/connection/replica-rule.ts";
import { hasCopy, parseInfo } from "../../../src/engines/redis/connection/server-facts.ts";
import { silentLog } from "../../support/silent.ts";

const ruleOf = (mayFailOver: boolean, masters = ["a", "b"]) =>
  createReplicaRule({ mayFailOver, masters: () => masters, log: silentLog });
const held = (rule: ReturnType<typeof ruleOf>) => ["a", "b", "new"].filter((name) => rule.holdsFor(name));

it.each<[string, boolean, readonly (readonly string[])[], readonly string[]]>([
  ["where a failover was possible at the start: for all", true, [], ["a", "b", "new"]],
  ["where it was not: for none, also of those that come later", false, [], []],
  ["for a master that was seen with one, and for one that comes later", false, [["a"]], ["a", "new"]],
  ["for it still when it is seen without", false, [["a"], []], ["a", "new"]],
  ["for each in its turn", false, [["a"], ["a", "b"]], ["a", "b", "new"]],
  ["for all still, whoever is seen with one", true, [["a"]], ["a", "b", "new"]],
])("%s", (_, mayFailOver, looks, expected) => {
  const rule = ruleOf(mayFailOver);
  for (const replicated of looks) rule.noteReplicas(replicated);
  expect(held(rule)).toEqual(expected);
});

it.each([
  ["one that follows", "slave0:ip=::1,port=1,state=online,offset=5,lag=0", true],
  ["one of several", "slave0:ip=::1,port=1,state=wait_bgsave\r\nslave11:ip=::1,port=2,state=online,offset=5", true],
  ["one that waits for its copy", "slave0:ip=::1,port=1,state=wait_bgsave,offset=0", false],
  ["one that is being sent its copy", "slave0:ip=::1,port=1,state=send_bulk,offset=0", false],
  ["none", "connected_slaves:0", false],
])("a replica with its copy: %s", (_, line, expected) => {
  expect(hasCopy(parseInfo(`# Replication\r\nrole:master\r\n${line}\r\n`))).toBe(expected);
});
