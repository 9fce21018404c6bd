/** Authenticated encryption of what a kill needs later, bound to its lease: another lease's row cannot be opened with it. */
import type { LeaseId } from "../kernel/ids.ts";
import type { Redacted } from "../kernel/redacted.ts";
import type { Result } from "../kernel/result.ts";

export interface Sealer {
  /** `keyId.nonce.ciphertext`, base64url parts. */
  seal(secret: Redacted, leaseId: LeaseId): Promise<string>;
  open(sealed: string, leaseId: LeaseId): Promise<Result<Redacted, SealFault>>;
  /** The key ids that the ring holds; a start with a sealed row of another key is refused. */
  keyIds(): readonly string[];
}

export interface SealFault {
  readonly reason: "unknown_key" | "corrupt";
}
