/** A command's connection: its attestation read, its address checked. */
import type { Result } from "../kernel/result.ts";
import { connect, type Api } from "./api.ts";
import { readAttestation } from "./attestation.ts";
import { baseUrl, type Listener } from "./connection.ts";
import type { ClientFlags } from "./flags.ts";
import { misused, type Problem } from "./problem.ts";
import type { Shell } from "./shell.ts";

export async function openSession(shell: Shell, flags: ClientFlags, listener: Listener): Promise<Result<Api, Problem>> {
  // The address first: a wrong one should not make anybody fetch an attestation.
  const base = baseUrl(shell, flags, listener);
  if (!base.ok) return base;
  if (flags.attestation !== undefined) {
    return misused(
      "--attestation would show the token to every process of this machine",
      "give --attestation-file FILE, or set MAYFLY_ATTESTATION; get a fresh token, this one was seen",
    );
  }
  const attestation = await readAttestation(shell, flags.attestationFile);
  if (!attestation.ok) return attestation;
  return connect(shell, { flags, listener, attestation: attestation.value });
}
