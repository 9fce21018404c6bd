/**
 * Attestations and their exact verdicts: each refusal beside an acceptance that differs in one thing. The rows run
 * through every signature verifier, and through jose as an independent judge.
 */
import type { TrustedIssuer } from "../../src/domain/trusted-issuer.ts";
import type { AttestationReason } from "../../src/ports/attestor.ts";
import { claimRows } from "./corpus-claims.ts";
import { formRows } from "./corpus-form.ts";
import { headerRows } from "./corpus-header.ts";
import { keyRows } from "./corpus-keys.ts";
import type { CorpusTools } from "./corpus-tools.ts";

export interface Row {
  readonly name: string;
  readonly verdict: "accepted" | AttestationReason;
  readonly facts?: Partial<TrustedIssuer>;
  readonly token: (tools: CorpusTools) => string;
  /** Added to the time of use; a row at the edge of a token's life. */
  readonly laterMillis?: number;
}

export const corpus: readonly Row[] = [...formRows, ...headerRows, ...keyRows, ...claimRows];
