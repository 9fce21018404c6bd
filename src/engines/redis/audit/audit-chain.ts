/**
 * The hash chain of a shard: hash = SHA-256(previous hash, body), the first on 32 zero bytes. It is advanced beside the
 * scripts that write entries, by whoever reads and by a call in the background; a hash depends on nothing but the entries,
 * so that any number of nodes may do it at once. What is written is protected from then on: an entry that was changed
 * before anybody sealed it is not found out.
 */
import { base64UrlFromBytes, bytesFromBase64Url } from "../../../kernel/base64url.ts";
import { maxSweepRows } from "../../../kernel/limits.ts";
import { trail } from "../lua/trail.ts";
import { defineScript, numberOf, textOf } from "../script.ts";
import type { ShardCalls } from "../shard-calls.ts";

/**
 * unsealed {limit} -> sequence of the last entry that has a hash; that hash, or '' before the first; the texts of the
 * entries behind it. Keys: meta, audit, hashes:N.
 */
const unsealedScript = defineScript(
  "unsealed",
  [trail],
  String.raw`
local payload = { sealed, call('HGET', KEYS[1], 'sealedHash') or '' }
for _, row in ipairs(entriesAfter(sealed, c.limit)) do payload[#payload + 1] = bodyOf(row) end
return finish('ok', seq, payload)
`,
);

/**
 * seal {after, hashes} -> nothing. Stores the hashes of the entries behind that sequence, unless somebody was faster: then
 * they are there already. Keys: meta, hashes:N.
 */
const sealScript = defineScript(
  "seal",
  [trail],
  String.raw`
if sealed ~= c.after then return finish('ok') end
for _, hash in ipairs(c.hashes) do
  call('RPUSH', hashList(math.floor(sealed / hashesPerList)), hash)
  sealed = sealed + 1
end
call('HSET', KEYS[1], 'sealed', int(sealed), 'sealedHash', c.hashes[#c.hashes])
return finish('ok')
`,
  { lane: "end" },
);

/** Computes what is missing up to a sequence, in pages. */
export async function sealShard(calls: ShardCalls, shard: number, upTo: number): Promise<void> {
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- each page starts where the one before ended
    const { payload } = await calls.ask(shard, unsealedScript, { limit: maxSweepRows });
    const [sealed, head, ...bodies] = payload;
    const after = numberOf(sealed);
    if (bodies.length === 0 || after >= upTo) return;
    // oxlint-disable-next-line no-await-in-loop -- as above
    const hashes = await hashesOf(textOf(head), bodies.map(textOf));
    // oxlint-disable-next-line no-await-in-loop -- as above
    await calls.ask(shard, sealScript, { after, hashes });
  }
}

/** For a call a second in the background: afterwards every entry that was there before has its hash. */
export async function sealAudit(calls: ShardCalls): Promise<void> {
  const heads = await calls.askAll(unsealedScript, { limit: 1 });
  await Promise.all(
    heads.map(async ({ sequence, payload }, shard) => {
      if (payload.length > 2) await sealShard(calls, shard, sequence);
    }),
  );
}

const encoder = new TextEncoder();

async function hashesOf(head: string, bodies: readonly string[]): Promise<readonly string[]> {
  const hashes: string[] = [];
  let previous = head === "" ? new Uint8Array(32) : bytesFromBase64Url(head);
  if (previous === undefined) throw new Error("the audit's last hash is none");
  for (const body of bodies) {
    const text = encoder.encode(body);
    const joined: Uint8Array<ArrayBuffer> = new Uint8Array(previous.length + text.length);
    joined.set(previous);
    joined.set(text, previous.length);
    // oxlint-disable-next-line no-await-in-loop -- each hash needs the one before
    previous = new Uint8Array(await crypto.subtle.digest("SHA-256", joined));
    hashes.push(base64UrlFromBytes(previous));
  }
  return hashes;
}
