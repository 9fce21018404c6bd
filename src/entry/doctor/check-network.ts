/** What needs the policy: the folder itself, then every issuer and provider that it names, all at the same time. */
import { formatFault, formatPlace } from "../../policy/parse/fault.ts";
import type { TokenSigner } from "../../ports/token-signer.ts";
import type { Environment, ServeOptions } from "../config.ts";
import { connectProviders } from "../connections.ts";
import type { LoadedPolicy } from "../load-policy.ts";
import { loadText } from "../load-text.ts";
import { createSystemEntropy, systemClock } from "../system-clock.ts";
import { openConnections } from "../node-connections.ts";
import { loadPolicyFolder } from "../policy-folder.ts";
import { secretResolver } from "../resolve-secret.ts";
import { checkIssuer } from "./check-issuers.ts";
import { checkKills, checkProvider } from "./check-providers.ts";
import { fail, fine, warn, type Finding, type LedgerFindings } from "./finding.ts";

/** The rest is for `mayfly policy check`. */
const maxFaultsShown = 10;

interface Subject {
  readonly options: Pick<ServeOptions, "policyDir" | "mode" | "issuerUrl">;
  readonly env: Environment;
  /** Null without a signing ring: then no provider can be asked. */
  readonly signer: TokenSigner | null;
  readonly notes: LedgerFindings["notes"];
}

export async function checkPolicyAndNetwork({ options, env, signer, notes }: Subject): Promise<readonly Finding[]> {
  const issuerUrl = options.issuerUrl ?? "https://broker.invalid";
  const connections = openConnections(options.mode);
  const registry = connectProviders(connections, {
    issuerUrl,
    resolveSecret: secretResolver(env),
    clock: systemClock,
    entropy: createSystemEntropy(),
    signer: signer ?? noSigner,
  });
  try {
    const loaded = await loadPolicyFolder(options.policyDir, registry);
    if (!loaded.ok) {
      const fix = "mend it; `mayfly policy check` shows every fault";
      return loaded.fault.slice(0, maxFaultsShown).map((fault) => fail("policy", formatFault(fault), fix));
    }
    const issuers = [...loaded.value.policy.issuers.values()].map((issuer) =>
      checkIssuer(issuer, { http: connections.keys, loadText }),
    );
    const [foundIssuers, foundProviders] = await Promise.all([
      Promise.all(issuers),
      signer === null ? [warn("providers", "not asked", "make the signing ring first")] : checkProviders(loaded.value),
    ]);
    const refused = options.mode === "production" ? loaded.value.plainHttp : [];
    return [
      ...policyFindings(loaded.value),
      ...refused.map(({ fix, ...fault }) => fail("policy", formatPlace(fault), fix)),
      ...foundIssuers.flat(),
      ...foundProviders,
      ...checkKills(loaded.value.providers.pairs, notes),
    ];
  } finally {
    await registry.close();
    await connections.close();
  }
}

function policyFindings({ policy, warnings }: LoadedPolicy): Finding[] {
  const sizes = `${policy.templates.size} templates, ${policy.agents.size} agents, ${policy.providers.size} providers`;
  const hints = warnings.map((warning) => warn("policy", formatFault(warning), "probably not meant"));
  return [fine("policy", `valid: ${sizes}`), ...hints];
}

const checkProviders = ({ providers }: LoadedPolicy): Promise<readonly Finding[]> =>
  Promise.all([...providers.pairs].map(([name, pair]) => checkProvider(name, pair)));

/** Making providers signs nothing; only asking them may. */
const noSigner: TokenSigner = {
  sign: () => {
    throw new Error("there is no signing ring");
  },
  publicKeys: () => [],
  verify: async () => undefined,
};
