/** What lives at the server under this broker's mark, for drift, and how a stray one ends. */
import type { Verdict } from "../../src/domain/verdict.ts";
import { ok, type Result } from "../../src/kernel/result.ts";
import { epochMillis } from "../../src/kernel/time.ts";
import type { ListPage, ListRequest, StrayRequest } from "../../src/ports/provider.ts";
import { endToken } from "./end-token.ts";
import { endUnnamed } from "./end-unnamed.ts";
import type { VaultParts } from "./parts.ts";
import { refused } from "./not-ended.ts";

export async function listVault(parts: VaultParts, request: ListRequest): Promise<Result<ListPage, string>> {
  const page = await parts.strays.page(request);
  if (!page.ok) return page;
  const found = page.value.found.map(({ accessor, mine }) => ({
    name: accessor,
    leaseId: mine.leaseId,
    createdAt: mine.createdAt,
    handle: { accessor, ...(mine.path === null ? {} : { path: mine.path }) },
  }));
  return ok({ found, next: page.value.next });
}

/** Ends the task's token, and then what it read. */
export async function revokeStrayVault(parts: VaultParts, { found, signal, now }: StrayRequest): Promise<Verdict> {
  const { accessor, path } = found.handle;
  if (typeof accessor !== "string") return refused("no_accessor", "end it at the server by hand");
  const left = await endToken(parts, accessor, signal);
  if (left !== null) return left;
  if (typeof path !== "string") return { kind: "dead-unverified" };
  const unnamed = { path, from: found.createdAt ?? epochMillis(0), overAt: now };
  return (await endUnnamed(parts, unnamed, signal)) ?? { kind: "dead-unverified" };
}
