/** A refused attestation: one closed word, never a piece of the token. */
import { err, type Err } from "../kernel/result.ts";
import type { AttestationFault, AttestationReason } from "../ports/attestor.ts";

export const refuse = (reason: AttestationReason): Err<AttestationFault> => err({ reason });
