/**
 * Taking over a policy: whoever it dropped loses the door and all that stands behind it. Doors are of every shard, the
 * names of one, so this takes three steps: read the names before, close the doors, write the new names. They are written
 * last and only over those that were read: a load that broke off, or met another, is found by the next one.
 */
import type { AgentName, IssuerName } from "../../../domain/names.ts";
import type { DoorScope } from "../../../domain/scope.ts";
import type { Answer } from "../../../ports/ledger.ts";
import type { LoadPolicy } from "../../../ports/ledger-commands.ts";
import { answer, causeCommand } from "../answers.ts";
import { defineScript, textOf, type ScriptReply } from "../script.ts";
import type { ShardCalls } from "../shard-calls.ts";
import { closeDoor } from "./doors.ts";

/** note_policy {digest, cause} -> the names before, or ''. Keys: meta, policy, audit. */
const notePolicyScript = defineScript(
  "note_policy",
  [],
  String.raw`
local sequence = audit('policy.loaded', nil, nil, { digest = quote(c.digest) }, c.cause)
return finish('ok', sequence, { call('GET', at('policy')) or '' })
`,
  { lane: "end", isAcknowledged: true },
);

/** store_policy {before, after} -> the names that are kept now: another load may have come between. Keys: meta, policy. */
const storePolicyScript = defineScript(
  "store_policy",
  [],
  String.raw`
local kept = call('GET', at('policy')) or ''
if kept == c.before then
  kept = c.after
  call('SET', at('policy'), kept)
  touch()
end
return finish('ok', seq, { kept })
`,
  { lane: "end", isAcknowledged: true },
);

/** Of all shards the one that keeps the names. */
const policyShard = 0;
/** Loads that may come between before this one gives up, for its caller to load again. */
const maxRounds = 8;

interface Names {
  readonly agents: readonly AgentName[];
  readonly issuers: readonly IssuerName[];
}

export async function loadPolicy(
  calls: ShardCalls,
  command: LoadPolicy,
): Promise<Answer<{ closed: readonly DoorScope[] }, never>> {
  const { digest, agents, issuers, cause } = command;
  const after = JSON.stringify({ agents, issuers } satisfies Names);
  const noted = await calls.ask(policyShard, notePolicyScript, { digest, cause: causeCommand(cause) });
  const closed: DoorScope[] = [];
  let before = namesText(noted);
  for (let round = 0; round < maxRounds; round += 1) {
    for (const scope of droppedBy(command, namesFrom(before))) {
      // oxlint-disable-next-line no-await-in-loop -- in the order of the names, as the audit tells them
      await closeDoor(calls, { scope, reason: "removed from policy", cause });
      closed.push(scope);
    }
    // oxlint-disable-next-line no-await-in-loop -- repeated only where another load came between
    const kept = namesText(await calls.ask(policyShard, storePolicyScript, { before, after }));
    if (kept === after) return answer({ closed }, noted.sequence);
    before = kept;
  }
  throw new Error("other policies kept coming between");
}

const namesText = ({ payload }: ScriptReply): string => textOf(payload[0]);

const namesFrom = (text: string): Names => (text === "" ? { agents: [], issuers: [] } : (JSON.parse(text) as Names));

const droppedBy = ({ agents, issuers }: Names, before: Names): readonly DoorScope[] => [
  ...before.agents.filter((name) => !agents.includes(name)).map((name) => ({ kind: "agent", name }) as const),
  ...before.issuers.filter((name) => !issuers.includes(name)).map((name) => ({ kind: "issuer", name }) as const),
];
