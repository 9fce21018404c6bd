/** What a listable provider shows of its system: by this the ledger is compared with it, both ways. */
import { expect, it } from "vitest";
import type { Found, Provider } from "../../../src/ports/provider.ts";
import { realClock } from "../../support/real-clock.ts";
import type { Stage } from "./describe-provider.ts";
import type { ProviderTraits } from "./harness.ts";

const never = new AbortController().signal;
/** Small, so that a handful of credentials has several pages. */
const limit = 2;
/** No walk of the kit is longer. */
const maxPages = 500;

async function listAll(provider: Provider): Promise<readonly Found[]> {
  const found: Found[] = [];
  let after: string | null = null;
  for (let page = 0; page < maxPages; page += 1) {
    const listed: Awaited<ReturnType<NonNullable<Provider["list"]>>> | undefined = await provider.list?.({
      after,
      limit,
      signal: never,
    });
    if (listed?.ok !== true) throw new Error(`not listed: ${JSON.stringify(listed)}`);
    found.push(...listed.value.found);
    after = listed.value.next;
    if (after === null) return found;
  }
  throw new Error("a list without an end");
}

export function describeListing({ harness, actor }: Stage, traits: ProviderTraits): void {
  /** Nothing to look at where the provider says that it cannot list. */
  const listing = (): Provider | null => {
    const { provider } = harness();
    expect(provider.list !== undefined, "listable, or not").toBe(provider.capabilities.listable);
    return provider.list === undefined ? null : provider;
  };

  it("list: shows what was minted under its lease, each once, and no more when it is dead", async () => {
    const provider = listing();
    if (provider === null) return;
    const minted = [await actor().mintAlive(), await actor().mintAlive(), await actor().mintAlive()];
    const ids = minted.map(({ leaseId }) => leaseId);
    const shown = async () => (await listAll(provider)).flatMap(({ leaseId }) => leaseId ?? []);
    expect((await shown()).filter((id) => ids.includes(id)).toSorted()).toEqual(ids.toSorted());
    if (traits.verdict === "expires-only") return;
    for (const lease of minted) await actor().revoke(lease);
    expect((await shown()).filter((id) => ids.includes(id))).toEqual([]);
  });

  it("list: what it shows can be ended by that alone, and ending it again is harmless", async () => {
    const provider = listing();
    if (provider?.revokeStray === undefined) return;
    const minted = await actor().mintAlive();
    const found = (await listAll(provider)).find(({ leaseId }) => leaseId === minted.leaseId);
    if (found === undefined) throw new Error("what was minted is not shown");
    for (const verdict of [
      ["dead-verified", "dead-unverified"],
      ["dead-verified", "dead-unverified", "already-gone"],
    ]) {
      const ended = await provider.revokeStray({ found, now: realClock.now(), signal: never });
      expect(verdict).toContain(ended.kind);
    }
    expect(await harness().system.use(minted.credential)).toBe(traits.systemRefuses ? "refused" : "accepted");
  });
}
