/** Locks between nodes, each in the shard of its name, and the mark of the store. */
import { epochMillis } from "../../../kernel/time.ts";
import type { Answer } from "../../../ports/ledger.ts";
import type { Lock, LockHeld, TakeLock } from "../../../ports/ledger-commands.ts";
import { answer, conflictOf } from "../answers.ts";
import { defineScript, numberOf, textOf } from "../script.ts";
import type { ShardCalls } from "../shard-calls.ts";

/**
 * take_lock {name, holder, hold} -> its number, until when. Keys: meta, lock:NAME (h holder, n number, u until), which stays
 * when it is given back, so that its number only grows. Conflict: held UNTIL.
 */
const takeLockScript = defineScript(
  "take_lock",
  [],
  String.raw`
local key = at('lock', c.name)
local row = call('HMGET', key, 'h', 'n', 'u')
local isHeld = row[1] and now < tonumber(row[3])
if isHeld and row[1] ~= c.holder then return conflict('held', row[3]) end
local number, heldUntil = (tonumber(row[2] or nil) or 0) + (isHeld and 0 or 1), now + c.hold
call('HSET', key, 'h', c.holder, 'n', int(number), 'u', int(heldUntil))
touch()
return finish('ok', seq, { int(number), int(heldUntil) })
`,
  { lane: "revoke" },
);

/** release_lock {name, holder} -> nothing. Keys: meta, lock:NAME. */
const releaseLockScript = defineScript(
  "release_lock",
  [],
  String.raw`
local key = at('lock', c.name)
local row = call('HMGET', key, 'h', 'u')
if row[1] == c.holder and now < tonumber(row[2]) then
  call('HSET', key, 'u', int(now))
  touch()
end
return finish('ok')
`,
  { lane: "revoke" },
);

/** mark {} -> the store's mark, made by whoever asks first. Keys: meta of the first shard. */
const markScript = defineScript(
  "mark",
  [],
  String.raw`
if call('HEXISTS', KEYS[1], 'mark') == 0 then
  local time = call('TIME')
  -- The address of a table differs between servers of the same second.
  call('HSET', KEYS[1], 'mark', string.sub(redis.sha1hex(time[1] .. time[2] .. tostring({})), 1, 10))
end
return finish('ok', seq, { call('HGET', KEYS[1], 'mark') })
`,
);

export async function takeLock(calls: ShardCalls, command: TakeLock): Promise<Answer<Lock, LockHeld>> {
  const reply = await calls.ask(calls.shards.ofText(command.name), takeLockScript, command);
  if (reply.kind === "conflict")
    return conflictOf(reply, (_, [until]) => ({ reason: "held", heldUntil: epochMillis(numberOf(until)) }));
  const [number, heldUntil] = reply.payload;
  return answer({ number: numberOf(number), heldUntil: epochMillis(numberOf(heldUntil)) }, reply.sequence);
}

export async function releaseLock(
  calls: ShardCalls,
  command: Pick<TakeLock, "name" | "holder">,
): Promise<Answer<void, never>> {
  const { sequence } = await calls.ask(calls.shards.ofText(command.name), releaseLockScript, command);
  return answer(undefined, sequence);
}

export async function mark(calls: ShardCalls): Promise<string> {
  return textOf((await calls.ask(0, markScript, {})).payload[0]);
}
