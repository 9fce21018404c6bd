/**
 * The smallest whole provider, as one of another repository would be written: keys of a key server with an HTTP API, named
 * before they are minted, listed under the ledger's mark, killed by name and looked at afterwards.
 */
import type { Capabilities } from "mayfly/domain/capabilities";
import type { Verdict } from "mayfly/domain/verdict";
import type { JsonObject } from "mayfly/kernel/canonical-json";
import { parseLeaseId } from "mayfly/kernel/ids";
import { Redacted } from "mayfly/kernel/redacted";
import { err, ok, type Result } from "mayfly/kernel/result";
import { addSeconds, millis, seconds } from "mayfly/kernel/time";
import type { HttpAnswer } from "mayfly/ports/http-client";
import type { ListPage, MintOutcome, ProbeAnswer, Provider, ProviderTools, ProviderType } from "mayfly/provider";
import { configurationDigest } from "mayfly/providers/shared/configuration-digest";
import { readMembers } from "mayfly/providers/shared/members";
import { parseRetryAfter } from "mayfly/providers/shared/retry-after";

/** Data, not behaviour: policy decides by it before anything is minted. */
const capabilities: Capabilities = {
  ttl: { kind: "chosen", minSeconds: seconds(1), maxSeconds: seconds(3600), granularitySeconds: seconds(1) },
  handle: "pre-known",
  revocation: { kind: "immediate" },
  nativeExpiry: "full",
  probe: "control-plane",
  killsOpenSessions: false,
  listable: true,
  renewable: false,
  needsSecretToRevoke: false,
  bindsToKey: false,
  mintsInProcess: false,
};

interface Scope {
  readonly rights: readonly string[];
}

export const keysProviderType: ProviderType = {
  type: "keys",
  async create(options, tools) {
    const members = readMembers(options);
    const url = members.url("url") ?? members.refuse("url", "is required");
    const parsed = members.done(() => ({ url: url ?? "" }));
    if (!parsed.ok) return parsed;
    // The system alone stands before the dot: what was minted there can be killed whatever else is configured.
    const digest = await configurationDigest("keys", options, parsed.value);
    return ok(createProvider(parsed.value.url, digest, tools));
  },
};

function createProvider(url: string, digest: string, tools: ProviderTools): Provider<Scope> {
  const prefix = `mayfly-${tools.ledger.mark}-`;
  const ask = createAsk(url, tools);

  /** Dead, alive, or no answer that anybody could build on. */
  async function look(name: string, signal: AbortSignal): Promise<ProbeAnswer> {
    const answer = await ask("look", { name }, signal);
    const isAlive = answer.ok && answer.value.status === 200 ? parse(answer.value)?.["alive"] : undefined;
    if (typeof isAlive !== "boolean") return { kind: "unclear", reason: "no_clear_answer" };
    return { kind: isAlive ? "alive" : "dead" };
  }

  /** Never dead without the system's word, and never verified without having seen it alive. */
  async function end(name: string, wasAlive: boolean, signal: AbortSignal): Promise<Verdict> {
    const answer = await ask("revoke", { name }, signal);
    if (!answer.ok) return { kind: "retry", reason: answer.fault };
    const { status, headers } = answer.value;
    if (status === 401 || status === 403)
      return { kind: "refused", reason: "permission", fix: "allow it to revoke keys" };
    if (status !== 200 && status !== 404) {
      const after = parseRetryAfter(headers["retry-after"], tools.now());
      return { kind: "retry", reason: `status_${status}`, ...(after !== undefined && { after }) };
    }
    const seen = await look(name, signal);
    if (seen.kind !== "dead") return { kind: "retry", reason: "not_seen_dead" };
    if (wasAlive) return { kind: "dead-verified" };
    return { kind: status === 404 ? "already-gone" : "dead-unverified" };
  }

  return {
    type: "keys",
    capabilities,
    digest,
    parseScope(scope) {
      const members = readMembers(scope);
      const rights = members.texts("rights") ?? [];
      return members.done(() => ({ placeholders: [], capabilities, fill: () => ok({ rights }) }));
    },
    // Before the mint: a crash, a timeout or a lost answer leaves a name that can be killed blind.
    plan: ({ leaseId }) => ({ handle: { name: `${prefix}${leaseId}` }, worstCaseTtl: millis(3_600_000) }),
    async mint({ handle, scope, expiresAt, now, signal }) {
      const ttl = Math.floor((expiresAt - now) / 1000);
      const answer = await ask("mint", { name: nameIn(handle), rights: [...scope.rights], ttl }, signal);
      return mintOutcome(answer, handle, addSeconds(now, seconds(ttl)));
    },
    revoke: ({ lease, signal }) => end(nameIn(lease.handle), lease.provenAlive, signal),
    probe: ({ lease, signal }) => look(nameIn(lease.handle), signal),
    async list({ after, limit, signal }) {
      const answer = await ask("list", { prefix, after: after ?? "", limit }, signal);
      return answer.ok ? pageOf(answer.value, prefix) : err(answer.fault);
    },
    revokeStray: ({ found, signal }) => end(found.name, false, signal),
    async check(signal) {
      const answer = await ask("list", { prefix, after: "", limit: 1 }, signal);
      return answer.ok && answer.value.status === 200 ? ok() : err("the key server does not answer as it should");
    },
    close: async () => {},
  };
}

/** The ledger gives back what `plan` wrote. */
const nameIn = (handle: JsonObject): string => {
  const name = handle["name"];
  return typeof name === "string" ? name : "";
};

type Asked = Result<HttpAnswer, "not_sent" | "no_answer">;
type Ask = (what: string, body: JsonObject, signal: AbortSignal) => Promise<Asked>;

const createAsk =
  (url: string, { http }: ProviderTools): Ask =>
  async (what, body, signal) => {
    const headers = { "content-type": "application/json" };
    const request = { method: "POST", url: `${url}/${what}`, headers, body: JSON.stringify(body), signal } as const;
    const sent = await http.send({ ...request, timeout: millis(10_000), maxBytes: 64 * 1024 });
    if (sent.ok) return sent;
    return err(sent.fault.maybeSent ? "no_answer" : "not_sent");
  };

/** `rejected` only where the answer proves that nothing was made; whatever is unclear may live, and the core kills it. */
function mintOutcome(answer: Asked, handle: JsonObject, nativeExpiresAt: ReturnType<typeof addSeconds>): MintOutcome {
  if (!answer.ok)
    return answer.fault === "not_sent"
      ? { kind: "rejected", reason: "not_sent", retryable: true }
      : { kind: "unknown", reason: "no_answer" };
  const { status } = answer.value;
  if (status === 429) return { kind: "rejected", reason: "too_many", retryable: true };
  if (status === 400 || status === 403) return { kind: "rejected", reason: `status_${status}`, retryable: false };
  const key = status === 200 ? parse(answer.value)?.["key"] : undefined;
  if (typeof key !== "string") return { kind: "unknown", reason: "unreadable" };
  const credential = { kind: "bearer", value: new Redacted(key, "key"), tokenType: "Bearer" } as const;
  const told = { secretToKeep: null, findByFingerprint: true, nativeExpiresAt, granted: null };
  return { kind: "minted", minted: { credential, handle, ...told } };
}

function pageOf(answer: HttpAnswer, prefix: string): Result<ListPage, string> {
  const names = answer.status === 200 ? parse(answer)?.["names"] : undefined;
  if (!Array.isArray(names)) return err("unreadable");
  const found = names.map(String).map((name) => ({
    name,
    leaseId: parseLeaseId(name.slice(prefix.length)) ?? null,
    createdAt: null,
    handle: {},
  }));
  return ok({ found, next: found.at(-1)?.name ?? null });
}

/** Undefined for whatever is no object; third-party text goes no further than this. */
function parse({ body }: HttpAnswer): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
  } catch {
    return undefined;
  }
}
