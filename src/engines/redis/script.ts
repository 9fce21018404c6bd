/**
 * Lua scripts: one a verb, loaded once a connection, run by their digest. What a script answers is checked here, once,
 * and its shape named; a reply that is not one is a fault of the server, told as `unknown`.
 */
import { StoreAwayError } from "../../domain/store-away.ts";
import { codeOf } from "./connection/open-fault.ts";
import { base } from "./lua/base.ts";
import { neededLua } from "./needed-lua.ts";

/** The part of a client that runs scripts; ioredis's single client and its cluster client both have it. */
export interface ScriptClient {
  evalsha(digest: string, keys: number, key: string, command: string): Promise<unknown>;
  eval(text: string, keys: number, key: string, command: string): Promise<unknown>;
}

export interface Script {
  /** As in the README and in SLOWLOG. */
  readonly name: string;
  readonly text: string;
  /** Which connections it runs on. */
  readonly lane: "issue" | "end" | "revoke";
  /** Whether it must survive a failover: answered only when a replica has it. */
  readonly isAcknowledged: boolean;
  /** Whether it must leave the last of the server's memory to what ends credentials. */
  readonly isRefusedWhenFull: boolean;
}

/** Where the wall clock is read: the server's own, or what the command says, for tests over virtual time. */
export type WallSource = "server" | "command";

const wallText: Readonly<Record<WallSource, string>> = {
  server: "(function() local t = call('TIME') return t[1] * 1000 + math.floor(t[2] / 1000) end)()",
  command: "c.time.wall",
};

/** On the connections that revoke nothing may wait for a replica: every kill behind it would wait, too. */
type ScriptTraits = Partial<Pick<Script, "isRefusedWhenFull">> &
  ({ readonly lane: "revoke" } | { readonly lane?: "issue" | "end"; readonly isAcknowledged?: boolean });

/** `parts` are pieces of Lua that the script stands on, in order; the base is always the first. */
export function defineScript(name: string, parts: readonly string[], body: string, traits: ScriptTraits = {}): Script {
  return { name, text: neededLua([`-- mayfly ${name}`, base, ...parts, body].join("\n")), ...ordinary, ...traits };
}

/** Every script answers this, in this order. */
export interface ScriptReply {
  readonly kind: "ok" | "conflict";
  readonly sequence: number;
  /** The ledger's clock in that shard. */
  readonly now: number;
  /** The server's own clock. */
  readonly wall: number;
  /** How often an operator accepted the clock. */
  readonly epoch: number;
  /** The earliest instant at which something that the script changed falls due; null for none. */
  readonly dueAt: number | null;
  /** Whether it left something in the shard's outbox. */
  readonly left: boolean;
  readonly payload: readonly Reply[];
}

/** What Redis can answer: texts, integers, nothing, and lists of those. */
export type Reply = string | number | null | readonly Reply[];

export interface ScriptRunner {
  run(script: Script, key: string, command: object): Promise<ScriptReply>;
}

const ordinary = { lane: "issue", isAcknowledged: false, isRefusedWhenFull: false } as const;

/** A script with this first line runs although the memory that the server may use is full. Since Redis 7.0. */
const despiteFullMemory = "#!lua flags=allow-oom\n";

export function createScriptRunner(options: {
  clientFor: (script: Script) => ScriptClient;
  digest: (text: string) => string;
  wall: WallSource;
  /** Whether the server knows flags of scripts; one before 7.0 refuses kills, too, when its memory is full. */
  knowsFlags: boolean;
}): ScriptRunner {
  const { clientFor, digest, wall, knowsFlags } = options;
  const loaded = new Map<Script, { text: string; sha1: string }>();
  const load = (script: Script): { text: string; sha1: string } => {
    const known = loaded.get(script);
    if (known !== undefined) return known;
    const flags = knowsFlags && !script.isRefusedWhenFull ? despiteFullMemory : "";
    const text = flags + script.text.replace("@WALL@", () => wallText[wall]);
    const made = { text, sha1: digest(text) };
    loaded.set(script, made);
    return made;
  };
  return {
    async run(script, key, command) {
      const { text, sha1 } = load(script);
      const client = clientFor(script);
      const argument = JSON.stringify(command);
      return parseReply(await evaluate(client, { text, sha1, key, argument }));
    },
  };
}

async function evaluate(
  client: ScriptClient,
  { text, sha1, key, argument }: { text: string; sha1: string; key: string; argument: string },
): Promise<unknown> {
  try {
    return await client.evalsha(sha1, 1, key, argument);
  } catch (error) {
    if (!isMissingScript(error)) throw named(error);
  }
  return client.eval(text, 1, key, argument).catch((error: unknown) => {
    throw named(error);
  });
}

/** Whatever keeps an answer from coming is the store that is away; only a script that is wrong is a fault of ours. */
function named(error: unknown): unknown {
  const code = codeOf(error);
  return code === "ERR" || code === "WRONGTYPE" ? error : new StoreAwayError(code);
}

const isMissingScript = (error: unknown): boolean => error instanceof Error && error.message.startsWith("NOSCRIPT");

function parseReply(reply: unknown): ScriptReply {
  if (!Array.isArray(reply) || reply.length !== 8) throw new Error("the server's answer is not a script's");
  const [kind, sequence, now, wall, epoch, due, left, payload] = reply as Reply[];
  if (kind !== "ok" && kind !== "conflict") throw new Error("the server's answer is not a script's");
  const dueAt = numberOf(due);
  return {
    kind,
    sequence: numberOf(sequence),
    now: numberOf(now),
    wall: numberOf(wall),
    epoch: numberOf(epoch),
    dueAt: dueAt < 0 ? null : dueAt,
    left: numberOf(left) === 1,
    payload: listOf(payload),
  };
}

export function numberOf(reply: Reply | undefined): number {
  const value = typeof reply === "string" ? Number(reply) : reply;
  if (typeof value !== "number" || !Number.isSafeInteger(value)) throw new Error("not a whole number in an answer");
  return value;
}

export function textOf(reply: Reply | undefined): string {
  if (typeof reply !== "string") throw new Error("not a text in an answer");
  return reply;
}

export function listOf(reply: Reply | undefined): readonly Reply[] {
  if (!Array.isArray(reply)) throw new Error("not a list in an answer");
  return reply as readonly Reply[];
}
