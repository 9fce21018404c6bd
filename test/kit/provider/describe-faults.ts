/** The kit's rows for a path that breaks: each fault before the system acted, and after. */
import { describe, expect, it } from "vitest";
import type { Break } from "../../support/fault-proxy.ts";
import type { Actor } from "./actor.ts";
import { dying } from "./actor.ts";
import type { Stage } from "./describe-provider.ts";
import type { BreakablePath, ProviderTraits } from "./harness.ts";

/** Stands in bodies and headers of broken answers: third-party text that must not travel. */
const foreignText = "SECRET-FROM-A-STRANGER";
const answer = (status: number, body: unknown, more: Partial<Extract<Break, { kind: "answer" }>> = {}): Break => ({
  kind: "answer",
  status,
  body: typeof body === "string" ? body : JSON.stringify(body),
  ...more,
});

const mintFaults: readonly [name: string, fault: Break, outcome: "unknown" | "rejected", retryable?: boolean][] = [
  ["reset before the system saw it", { kind: "reset_before" }, "unknown"],
  ["answer lost after the system acted", { kind: "reset_after" }, "unknown"],
  ["500", answer(500, foreignText), "unknown"],
  ["500 that looks like a refusal", answer(500, { error: "invalid_request" }), "unknown"],
  ["408 that looks like a refusal", answer(408, { error: "invalid_request" }), "unknown"],
  ["502 after the system acted", answer(502, foreignText, { acted: true }), "unknown"],
  ["503 with Retry-After", answer(503, "", { headers: { "retry-after": "7" } }), "unknown"],
  ["a success that nobody can read", answer(200, foreignText), "unknown"],
  ["a success without a credential", answer(200, { error_description: foreignText }), "unknown"],
  ["a success that is too long", answer(200, "x".repeat(1 << 20)), "unknown"],
  ["a redirect", answer(302, "", { headers: { location: "http://127.0.0.1:1/" } }), "unknown"],
  ["429", answer(429, foreignText), "rejected", true],
  [
    "a refusal in the system's own words",
    answer(400, { error: foreignText, error_description: foreignText }),
    "rejected",
    false,
  ],
];

export function describeFaults(stage: Stage, traits: ProviderTraits): void {
  describe("mint over a broken path", () => {
    describeMint(stage, traits);
  });
  describe("revoke over a broken path", () => {
    if (traits.verdict === "expires-only") describeIndifference(stage);
    else describeRevoke(stage, traits);
  });
}

const pathOf = ({ harness }: Stage): BreakablePath => {
  const { path } = harness();
  if (path === null) throw new Error("a remote provider has a path that can break");
  return path;
};

async function requestsTo(path: BreakablePath, what: string, act: () => Promise<unknown>): Promise<number> {
  const before = path.proxy.seen.length;
  await act();
  return path.proxy.seen.slice(before).filter((request) => request.path === what).length;
}

function describeMint(stage: Stage, traits: ProviderTraits): void {
  it.each(mintFaults)("%s: once, %s", async (_, fault, kind, retryable) => {
    const path = pathOf(stage);
    path.proxy.breakPath(path.mint, fault);
    let outcome: Awaited<ReturnType<Actor["mint"]>>["outcome"] | undefined;
    const sent = await requestsTo(path, path.mint, async () => {
      outcome = (await stage.actor().mint()).outcome;
    });
    expect(sent).toBe(1);
    expect(outcome?.kind).toBe(kind);
    expect(outcome?.kind === "rejected" ? outcome.retryable : undefined).toBe(retryable);
    expect(JSON.stringify(outcome)).not.toContain(foreignText);
  });

  it("slow: given up by the core, once, unknown, and its kill stays honest", async () => {
    const path = pathOf(stage);
    path.proxy.breakPath(path.mint, { kind: "hang" });
    const abort = new AbortController();
    const arrival = path.proxy.arrival(path.mint);
    const minting = stage.actor().mint({ signal: abort.signal });
    await arrival;
    abort.abort();
    const { outcome, intent } = await minting;
    expect(outcome.kind).toBe("unknown");
    path.proxy.heal();
    expect((await stage.actor().revoke({ lease: dying(intent), secret: null })).kind).toBe(
      traits.unseenVerdict ?? traits.unknownVerdict,
    );
  });

  it("given up before it was sent: sends nothing", async () => {
    const path = pathOf(stage);
    const sent = await requestsTo(path, path.mint, async () => {
      expect((await stage.actor().mint({ signal: AbortSignal.abort() })).outcome.kind).toBe("rejected");
    });
    expect(sent).toBe(0);
  });
}

/** A provider that cannot revoke has nobody to ask, so nothing can break. */
function describeIndifference(stage: Stage): void {
  it("asks nobody, whatever the path does", async () => {
    const path = pathOf(stage);
    const minted = await stage.actor().mintAlive();
    path.proxy.breakPath(path.revoke, { kind: "reset_before" });
    const sent = await requestsTo(path, path.revoke, async () => {
      expect((await stage.actor().revoke(minted)).kind).toBe("expires-only");
    });
    expect(sent).toBe(0);
  });
}

const passingFaults: readonly [name: string, fault: Break, after?: number][] = [
  ["reset before the system saw it", { kind: "reset_before" }],
  ["answer lost after the system acted", { kind: "reset_after" }],
  ["500", answer(500, foreignText)],
  ["500 after the system acted", answer(500, foreignText, { acted: true })],
  ["503 with Retry-After", answer(503, "", { headers: { "retry-after": "7" } }), 7_000],
  ["429 with Retry-After", answer(429, "", { headers: { "retry-after": "3" } }), 3_000],
  ["429", answer(429, foreignText)],
];

function describeRevoke(stage: Stage, traits: ProviderTraits): void {
  it.each(passingFaults)("%s: retry, and dead once the path heals", async (_, fault, after) => {
    const path = pathOf(stage);
    const minted = await stage.actor().mintAlive();
    path.proxy.breakPath(path.revoke, fault);
    const verdict = await stage.actor().revoke(minted);
    expect(verdict.kind).toBe("retry");
    expect(verdict.kind === "retry" ? verdict.after : undefined).toBe(after);
    expect(JSON.stringify(verdict)).not.toContain(foreignText);
    path.proxy.heal();
    expect((await stage.actor().revoke(minted)).kind).toBe(traits.verdict);
    expect(await stage.harness().system.use(minted.credential)).toBe("refused");
  });

  it("slow: retry when given up", async () => {
    const path = pathOf(stage);
    const minted = await stage.actor().mintAlive();
    path.proxy.breakPath(path.revoke, { kind: "hang" });
    const abort = new AbortController();
    const arrival = path.proxy.arrival(path.revoke);
    const revoking = stage.actor().revoke(minted, { signal: abort.signal });
    await arrival;
    abort.abort();
    expect((await revoking).kind).toBe("retry");
    expect(await stage.harness().system.use(minted.credential)).toBe("accepted");
  });

  it("a refusal for good: refused, with a fix and without the system's words", async () => {
    const path = pathOf(stage);
    const minted = await stage.actor().mintAlive();
    path.proxy.breakPath(path.revoke, answer(403, { error: foreignText }));
    const verdict = await stage.actor().revoke(minted);
    expect(verdict).toEqual({ kind: "refused", reason: expect.any(String), fix: expect.any(String) });
    expect(JSON.stringify(verdict)).not.toContain(foreignText);
    expect(await stage.harness().system.use(minted.credential)).toBe("accepted");
  });

  it("a lying success is not believed where a probe can look", async () => {
    const path = pathOf(stage);
    const minted = await stage.actor().mintAlive();
    path.proxy.breakPath(path.revoke, answer(200, ""));
    const verdict = await stage.actor().revoke(minted);
    expect(verdict.kind).toBe(path.probe === null ? "dead-unverified" : "retry");
    expect(await stage.harness().system.use(minted.credential)).toBe("accepted");
    path.proxy.heal();
    expect((await stage.actor().revoke(minted)).kind).toBe(traits.verdict);
    expect(await stage.harness().system.use(minted.credential)).toBe("refused");
  });

  it.each<[name: string, fault: Break]>([
    ["reset", { kind: "reset_before" }],
    ["500", answer(500, foreignText)],
    ["an answer that nobody can read", answer(200, foreignText)],
    ["a text where a truth value belongs", answer(200, { active: "false" })],
    ["403", answer(403, { error: foreignText })],
  ])("a probe that breaks (%s) never makes it dead-verified", async (_, fault) => {
    const path = pathOf(stage);
    const minted = await stage.actor().mintAlive();
    path.proxy.breakPath(path.probe ?? "/nowhere", fault);
    const verdict = await stage.actor().revoke(minted);
    // Where looking needs a right of its own, its loss needs a person.
    expect(path.probe === null ? ["dead-unverified"] : ["retry", "refused"]).toContain(verdict.kind);
    expect(JSON.stringify(verdict)).not.toContain(foreignText);
  });
}
