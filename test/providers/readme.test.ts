/** The samples in the providers' pages are a policy that the broker takes as it stands. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { providerTypes } from "../../providers/index.ts";
import { checkPolicy } from "../../src/entry/check-policy.ts";

const root = join(import.meta.dirname, "../..");

const around = `
apiVersion: mayfly.dev/v1
kind: TrustedIssuer
metadata: { name: prod }
spec:
  issuer: https://oidc.example
  audience: https://broker.example
  algorithms: [ES256]
  keys: { discovery: true }
  maxLifetimeSeconds: 3600
  replay: reusable
---
apiVersion: mayfly.dev/v1
kind: AgentProfile
metadata: { name: invoice-bot }
spec:
  role: agent
  identity: { issuer: prod, subject: "system:serviceaccount:finance:invoice-bot" }
  owners: { businessApprover: cfo-office, technicalCustodian: payments-team }
---
`;

/** What the samples name by `{ env }`. */
const secrets = { LEDGER_DB_URL: "postgres://mayfly_broker:secret@db.example:5432/ledger" };

const sampleOf = (type: string): string => {
  const page = readFileSync(join(root, `providers/${type}/README.md`), "utf8");
  return around + (/```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? "");
};

async function check(text: string) {
  const folder = mkdtempSync(join(tmpdir(), "mayfly-sample-"));
  try {
    writeFileSync(join(folder, "policy.yaml"), text);
    return await checkPolicy(folder, secrets);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe("providers: the samples of their pages", () => {
  it.each(providerTypes)("%s", async (type) => {
    const checked = await check(sampleOf(type));
    expect(checked.ok ? [] : checked.fault).toEqual([]);
  });

  it("one that demands more of a kill than its provider can give is refused before anything is minted", async () => {
    const demanding = sampleOf("aws-sts").replace("  scope:\n", "  requires: { revocation: [immediate] }\n  scope:\n");
    const checked = await check(demanding);
    expect(checked.ok ? "" : JSON.stringify(checked.fault)).toContain("the provider's revocation is eventual");
  });

  it("a sample with a mistake would be noticed", async () => {
    expect((await check(sampleOf("oauth").replace("resource:", "resources:"))).ok).toBe(false);
  });
});
