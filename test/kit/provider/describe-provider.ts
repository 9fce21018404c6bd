/**
 * The conformance kit of providers: every adapter passes it against its real system before anything else is built on
 * it. Liveness is asked of the system itself, by using the credential, never of the provider.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createActor, dying, ttlSeconds, type Actor } from "./actor.ts";
import { describeListing } from "./describe-listing.ts";
import { describeFaults } from "./describe-faults.ts";
import type { ProviderHarness, ProviderTraits } from "./harness.ts";

export interface Stage {
  readonly harness: () => ProviderHarness;
  readonly actor: () => Actor;
}

export function describeProvider(name: string, traits: ProviderTraits, start: () => Promise<ProviderHarness>): void {
  describe(`provider kit: ${name}`, () => {
    let harness: ProviderHarness | undefined;
    let actor: Actor | undefined;
    const stage: Stage = { harness: () => present(harness), actor: () => present(actor) };

    beforeAll(async () => {
      harness = await start();
      actor = createActor(harness);
    });
    beforeEach(() => harness?.path?.proxy.heal());
    afterAll(() => harness?.close());

    describeContract(stage, traits);
    describeKill(stage, traits);
    describeListing(stage, traits);
    if (traits.remote && traits.breaksElsewhere !== true) describeFaults(stage, traits);
    describeSilence(stage);
  });
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("the harness did not start");
  return value;
}

function describeContract({ harness, actor }: Stage, traits: ProviderTraits): void {
  it("checks its system", async () => {
    expect(await harness().provider.check(new AbortController().signal)).toEqual({ ok: true, value: undefined });
  });

  it("mints a credential that the system accepts, within the time it said", async () => {
    const before = Date.now();
    const { outcome, plan } = await actor().mint();
    if (outcome.kind !== "minted") throw new Error(JSON.stringify(outcome));
    const { credential, nativeExpiresAt } = outcome.minted;
    expect(await harness().system.use(credential)).toBe("accepted");
    expect(nativeExpiresAt).toBeGreaterThan(before);
    // The core never records less than the lifetime that it asked for.
    expect(nativeExpiresAt).toBeLessThanOrEqual(Date.now() + Math.max(ttlSeconds * 1000, plan.worstCaseTtl));
  });

  it("grants what was asked and nothing more, by the system's own word", async () => {
    const { outcome } = await actor().mint();
    if (outcome.kind !== "minted") throw new Error(JSON.stringify(outcome));
    expect(outcome.minted.granted?.wider ?? false).toBe(false);
    expect(await harness().system.scopeOf(outcome.minted.credential)).toEqual(harness().system.wantedScope);
  });

  it("keeps its capabilities' word", async () => {
    const { provider, scope } = harness();
    const template = provider.parseScope(scope);
    if (!template.ok) throw new Error(template.fault.message);
    const { capabilities } = template.value;
    const { outcome, plan } = await actor().mint();
    if (outcome.kind !== "minted") throw new Error(JSON.stringify(outcome));
    const keepsSecret = outcome.minted.secretToKeep !== null;
    const probeMayNeedIt = capabilities.probe === "data-plane" && !capabilities.needsSecretToRevoke;
    expect(probeMayNeedIt || keepsSecret === capabilities.needsSecretToRevoke).toBe(true);
    expect(provider.probe !== undefined).toBe(capabilities.probe !== "none");
    expect(capabilities.revocation.kind === "expiry-only").toBe(traits.verdict === "expires-only");
    expect(capabilities.mintsInProcess).toBe(!traits.remote);
    // What is known before may be added to; it is never replaced.
    expect(outcome.minted.handle).toMatchObject(capabilities.handle === "pre-known" ? plan.handle : {});
  });

  it("says alive of a fresh credential, where it can probe at all", async () => {
    const minted = await actor().mintAlive();
    expect(minted.lease.provenAlive).toBe(harness().provider.probe !== undefined);
  });

  it("refuses a scope with an unknown member", () => {
    const { provider, scope } = harness();
    expect(provider.parseScope(scope).ok).toBe(true);
    expect(provider.parseScope({ ...scope, admin: true }).ok).toBe(false);
  });
}

function describeKill({ harness, actor }: Stage, traits: ProviderTraits): void {
  const afterwards = traits.systemRefuses ? "refused" : "accepted";

  it(`revoke: ${traits.verdict}, and then the system has it ${afterwards}`, async () => {
    const minted = await actor().mintAlive();
    expect(await harness().system.use(minted.credential)).toBe("accepted");
    expect((await actor().revoke(minted)).kind).toBe(traits.verdict);
    expect(await harness().system.use(minted.credential)).toBe(afterwards);
  });

  it("revoke: says until when it is usable, where only time ends it", async () => {
    const minted = await actor().mintAlive();
    const verdict = await actor().revoke(minted);
    const usableUntil = verdict.kind === "expires-only" ? verdict.at : null;
    expect(usableUntil).toBe(traits.verdict === "expires-only" ? minted.lease.nativeExpiresAt : null);
  });

  it("revoke twice: the same verdict", async () => {
    const minted = await actor().mintAlive();
    const first = await actor().revoke(minted);
    expect(await actor().revoke(minted)).toEqual(first);
  });

  it("revoke: kills this credential and no other", async () => {
    const [doomed, spared] = [await actor().mintAlive(), await actor().mintAlive()];
    await actor().revoke(doomed);
    expect(await harness().system.use(spared.credential)).toBe("accepted");
    expect(["alive", undefined]).toContain((await actor().probe(spared))?.kind);
  });

  it("revoke: never says verified without a probe that was positive after mint", async () => {
    const minted = await actor().mintAlive();
    const verdict = await actor().revoke({ ...minted, lease: { ...minted.lease, provenAlive: false } });
    expect(verdict.kind).not.toBe("dead-verified");
    expect(await harness().system.use(minted.credential)).toBe(afterwards);
  });

  it(`revoke of what was never minted: ${traits.unknownVerdict}`, async () => {
    const { intent } = await actor().mint();
    expect((await actor().revoke({ lease: dying(intent), secret: null })).kind).toBe(traits.unknownVerdict);
  });
}

function describeSilence({ harness, actor }: Stage): void {
  it("shows no secret in any outcome", async () => {
    const minted = await actor().mintAlive();
    await actor().revoke(minted);
    // What of a structured credential is secret only its harness knows.
    const values = minted.credential.kind === "bearer" ? [minted.credential.value.reveal()] : [];
    await harness().system.use(minted.credential);
    const secrets = [...harness().canaries(), ...values];
    expect(secrets.length).toBeGreaterThan(0);
    const shown = actor()
      .observed.map(({ what, outcome }) => `${what} ${JSON.stringify(outcome)} ${String(outcome)}`)
      .join("\n");
    expect(secrets.filter((secret) => shown.includes(secret))).toEqual([]);
    expect(secrets.every((secret) => secret.length > 8)).toBe(true);
    expect(actor().observed.length).toBeGreaterThan(10);
  });
}
