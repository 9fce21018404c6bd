/**
 * Kills what a lease stands for: first what was leased at the server, then the tokens, each looked up afterwards. The
 * task's token stays while its lease cannot be ended, because ending it would only queue the same; and while a read of
 * it may be under way, because the server leases to a dead token what it then forgets. Every step may be repeated.
 */
import type { Verdict } from "../../src/domain/verdict.ts";
import { addMillis, millis, secondsToMillis } from "../../src/kernel/time.ts";
import type { RevokeRequest } from "../../src/ports/provider.ts";
import { endLease } from "./end-lease.ts";
import { endToken } from "./end-token.ts";
import { endUnnamed, type Unnamed } from "./end-unnamed.ts";
import { readHandle, type VaultHandle } from "./handle.ts";
import { notEnded, refused } from "./not-ended.ts";
import type { VaultParts } from "./parts.ts";

export async function revokeVault(parts: VaultParts, request: RevokeRequest): Promise<Verdict> {
  const { lease, signal } = request;
  const handle = readHandle(lease.handle);
  const verdict =
    handle.accessor === null
      ? await revokeUnseen(parts, handle, request)
      : ((await endAll(parts, handle, request, signal)) ?? deadOf(request));
  // The server did what it can; what it gave out is checked without asking it.
  const isDead =
    verdict.kind === "dead-verified" || verdict.kind === "dead-unverified" || verdict.kind === "already-gone";
  return handle.revocation === "expiry-only" && isDead ? { kind: "expires-only", at: lease.nativeExpiresAt } : verdict;
}

const deadOf = ({ lease }: RevokeRequest): Verdict => ({
  kind: lease.provenAlive ? "dead-verified" : "dead-unverified",
});

async function endAll(
  parts: VaultParts,
  handle: VaultHandle,
  request: RevokeRequest,
  signal: AbortSignal,
): Promise<Verdict | null> {
  const { serverLease } = handle;
  const unnamed = unnamedOf(parts, handle, request);
  if (unnamed !== null && request.now < unnamed.overAt) return { kind: "pending", until: unnamed.overAt };
  if (serverLease !== null) {
    const left = await endLease(parts, serverLease, signal);
    if (left !== null) return left;
  }
  for (const accessor of [handle.wrapping, handle.accessor]) {
    // oxlint-disable-next-line no-await-in-loop -- what unwraps goes before what it would give
    const left = accessor === null ? null : await endToken(parts, accessor, signal);
    if (left !== null) return left;
  }
  return unnamed === null ? null : endUnnamedLeases(parts, unnamed, signal);
}

/** What may have been leased to the task's token without anybody learning its name; null where there is no such. */
function unnamedOf(parts: VaultParts, handle: VaultHandle, { lease }: RevokeRequest): Unnamed | null {
  const { path, serverLease, revocation, readOverAt } = handle;
  if (path === null || serverLease !== null || revocation !== "immediate") return null;
  const latest = addMillis(lease.mintAbortAt, secondsToMillis(parts.options.maxRequestSeconds));
  return { path, from: lease.createdAt, overAt: readOverAt ?? latest };
}

const endUnnamedLeases = async (parts: VaultParts, unnamed: Unnamed, signal: AbortSignal): Promise<Verdict | null> =>
  parts.options.listing ? endUnnamed(parts, unnamed, signal) : leaseNotKnown(unnamed.path);

const leaseNotKnown = (path: string): Verdict =>
  refused(
    "server_lease_not_known",
    `let the broker list accessors and sys/leases/lookup/${path} and set listing: true, or see by hand that no lease there is left of that time`,
  );

/** The answer of the mint was never read: what it made is found by what was written on it, or not at all. */
async function revokeUnseen(parts: VaultParts, handle: VaultHandle, request: RevokeRequest): Promise<Verdict> {
  const { lease, signal, now } = request;
  const { path } = handle;
  if (!parts.options.listing) {
    if (path === null || handle.revocation === "expiry-only")
      return { kind: "expires-only", at: lease.nativeExpiresAt };
    return now < lease.nativeExpiresAt ? { kind: "pending", until: lease.nativeExpiresAt } : leaseNotKnown(path);
  }
  const search = await parts.strays.find(lease.id, signal);
  if (!search.ok) return notEnded(search.fault, "auth/token/accessors (list, sudo)");
  if (search.value.kind === "unfinished")
    return { kind: "retry", reason: "search_goes_on", after: millis(0), of: "lease" };
  const { accessors } = search.value;
  const unnamed = unnamedOf(parts, handle, request);
  if (unnamed !== null && accessors.length > 0 && now < unnamed.overAt)
    return { kind: "pending", until: unnamed.overAt };
  for (const accessor of accessors) {
    // oxlint-disable-next-line no-await-in-loop -- there is one, or a second from a repeated request
    const left = await endToken(parts, accessor, signal);
    if (left !== null) return left;
  }
  const left = unnamed === null ? null : await endUnnamed(parts, unnamed, signal);
  if (left !== null) return left;
  return { kind: accessors.length > 0 ? "dead-unverified" : "already-gone" };
}
