/** Each provider: whether the broker reaches it with its own credentials. Changes nothing there. */
import type { ProviderPair } from "../provider-registry.ts";
import { fail, fine, type Finding } from "./finding.ts";

/** As long as a mint may take: what is slower could not issue either. */
const timeoutMillis = 15_000;

export async function checkProvider(name: string, pair: ProviderPair): Promise<Finding> {
  const check = `provider ${name}`;
  try {
    const answer = await pair.revoking.check(AbortSignal.timeout(timeoutMillis));
    return answer.ok
      ? fine(check, `${pair.revoking.type} answers`)
      : fail(
          check,
          answer.fault,
          `mend that (providers/${pair.revoking.type}/README.md); its credentials cannot be revoked meanwhile`,
        );
  } catch {
    return fail(check, "its check failed unexpectedly", "report this as a bug of the provider");
  }
}
