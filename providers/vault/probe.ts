/**
 * Whether the credential still lives, by the server's own books: the lease where there is one, else the token. Dead is
 * said only of what is gone altogether, so a leased credential is dead when its token is too.
 */
import type { ProbeAnswer, ProbeRequest } from "../../src/ports/provider.ts";
import { lookUpLease } from "./end-lease.ts";
import { lookUpToken } from "./end-token.ts";
import { faultWord } from "./fault-word.ts";
import { readHandle } from "./handle.ts";
import type { VaultParts } from "./parts.ts";

export async function probeVault(
  parts: VaultParts,
  { lease, signal }: Pick<ProbeRequest, "lease" | "signal">,
): Promise<ProbeAnswer> {
  const { accessor, serverLease } = readHandle(lease.handle);
  if (accessor === null) return { kind: "unclear", reason: "accessor_not_known" };
  if (serverLease !== null) {
    const found = await lookUpLease(parts, serverLease, signal);
    if (found.kind === "unclear") return { kind: "unclear", reason: faultWord(found.answer) };
    if (found.kind === "there") return { kind: "alive" };
  }
  const token = await lookUpToken(parts, accessor, signal);
  if (token.kind === "unclear") return { kind: "unclear", reason: faultWord(token.answer) };
  return { kind: token.kind === "gone" ? "dead" : "alive" };
}
