/** The value that the agent presents: the bearer token, or the compact JSON of a structured credential. */
import { Redacted } from "../../kernel/redacted.ts";
import type { Credential } from "../../ports/provider.ts";

export function credentialText(credential: Credential): Redacted {
  if (credential.kind === "bearer") return credential.value;
  return new Redacted(JSON.stringify(credential.value.reveal()), "credential");
}
