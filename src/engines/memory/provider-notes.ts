/** What was seen of providers, and which credentials of theirs are active. */
import type { ProviderName, TargetName } from "../../domain/names.ts";
import { maxPageSize } from "../../kernel/limits.ts";
import type { Answer } from "../../ports/ledger.ts";
import type { NoteProvider } from "../../ports/ledger-commands.ts";
import type { ActivePage, ProviderNotes } from "../../ports/ledger-views.ts";
import { lastSequence, ok, touch, type Model } from "./model.ts";
import { byLeaseId } from "./standing.ts";

export function noteProvider(model: Model, { provider, seen }: NoteProvider): Answer<void, never> {
  const { providers, generation } = model.state;
  const at = model.time.now();
  const before = providers.get(provider) ?? none(provider);
  const noted = seen.kind === "kill" ? { kill: { digest: seen.digest, at } } : { reconciled: { generation, at } };
  providers.set(provider, { ...before, ...noted });
  touch(model, at);
  return ok(undefined, lastSequence(model));
}

const none = (provider: ProviderName): ProviderNotes => ({ provider, kill: null, reconciled: null });

export const listProviderNotes = (model: Model): readonly ProviderNotes[] => [...model.state.providers.values()];

export function listActive(
  model: Model,
  { target, after, limit }: { readonly target: TargetName; readonly after: string | null; readonly limit: number },
): ActivePage {
  const active = [...model.state.leases.values()]
    .filter(({ lease }) => lease.target === target && lease.state.kind === "active")
    .filter(({ lease }) => after === null || lease.id > after)
    .toSorted(byLeaseId);
  const leases = active.slice(0, Math.min(limit, maxPageSize)).map(({ lease }) => lease);
  return { leases, next: active.length > leases.length ? (leases.at(-1)?.id ?? null) : null };
}
