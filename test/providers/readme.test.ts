/** The providers' pages: their samples are a policy that the broker takes as it stands, and they name each reason. */
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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

const pageOf = (type: string): string => readFileSync(join(root, `providers/${type}/README.md`), "utf8");
const sampleOf = (type: string): string => around + (/```yaml\n([\s\S]*?)```/.exec(pageOf(type))?.[1] ?? "");

/** Of mints that failed and kills that are not done, as the provider's own sources write them. */
const reasonsOf = (type: string): readonly string[] => {
  const sources = globSync(`providers/${type}/*.ts`, { cwd: root });
  const text = sources.map((file) => readFileSync(join(root, file), "utf8")).join("\n");
  const written = /(?:refused\(\s*|kind: "(?:retry|rejected|unknown)", reason: )"([a-z_]+)"/g;
  return [...new Set([...text.matchAll(written)].map(([, reason = ""]) => reason))].toSorted();
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

describe("providers: their pages", () => {
  it.each(providerTypes)("have a sample of %s that is taken", async (type) => {
    const checked = await check(sampleOf(type));
    expect(checked.ok ? [] : checked.fault).toEqual([]);
  });

  it("one that demands more of a kill than its provider can give is refused before anything is minted", async () => {
    const demanding = sampleOf("aws-sts").replace("  scope:\n", "  requires: { revocation: [immediate] }\n  scope:\n");
    const checked = await check(demanding);
    expect(checked.ok ? "" : JSON.stringify(checked.fault)).toContain("the provider's revocation is eventual");
  });

  it.each(["oauth", "postgres", "vault"])("name each reason that a person may read of %s", (type) => {
    const page = pageOf(type);
    expect(reasonsOf(type).length).toBeGreaterThan(3);
    expect(reasonsOf(type).filter((reason) => !page.includes(`\`${reason}\``))).toEqual([]);
  });

  it("a sample with a mistake would be noticed", async () => {
    expect((await check(sampleOf("oauth").replace("resource:", "resources:"))).ok).toBe(false);
  });
});
