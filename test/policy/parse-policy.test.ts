/** Reading policy files: every fault with its file, line and fix; what stays the same; and that nothing makes it throw. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatFault } from "../../src/policy/parse/fault.ts";
import { parsePolicy } from "../../src/policy/parse/parse-policy.ts";
import { editedFiles, faultsOf, parsedSample, sampleFiles } from "../support/policy-sample.ts";
import { faultRows } from "./fault-rows.ts";

const head = "apiVersion: mayfly.dev/v1\nkind: ";
const guardrail = (name: string): string => `${head}Guardrail\nmetadata: { name: ${name} }\nspec: { deny: true }\n`;

describe("policy files: faults", () => {
  it("the sample itself has none", async () => {
    expect(await faultsOf(editedFiles())).toEqual([]);
  });

  it.each(faultRows)("refuses $name", async ({ file, from, refused, faults }) => {
    expect(await faultsOf(editedFiles({ file, from, to: refused }))).toEqual(faults);
  });

  it.each(faultRows.filter((row) => row.accepted !== undefined))("accepts what is right beside $name", async (row) => {
    const { file, from, accepted = "" } = row;
    expect(await faultsOf(editedFiles({ file, from, to: accepted }))).toEqual([]);
  });

  it("reports all files in one run, sorted", async () => {
    const edits = [
      { file: "templates.yaml", from: "agents: [bot]", to: "agents: []" },
      { file: "issuer.yaml", from: "[RS256, ES256]", to: "[none]" },
      { file: "agents.yaml", from: "may: [read, kill]", to: "may: [rule]" },
    ];
    expect((await faultsOf(editedFiles(...edits))).map((line) => line.split(" ")[0])).toEqual([
      "agents.yaml:34:9",
      "issuer.yaml:7:16",
      "templates.yaml:11:11",
    ]);
  });

  it("refuses an empty folder, which may be a failed mount, and empty files", async () => {
    const fault = ":1:1 there are no resources; check the path, or add resources";
    expect(await faultsOf([])).toEqual([`.${fault}`]);
    expect(await faultsOf([{ path: "a.yaml", text: "# nothing\n---\n" }])).toEqual([`a.yaml${fault}`]);
  });

  it("bounds size, depth and count", async () => {
    const only = async (text: string): Promise<readonly string[]> => faultsOf([{ path: "a.yaml", text }]);
    expect(await only(`# ${"x".repeat(1024 * 1024)}`)).toEqual([
      "a.yaml:1:1 the file is larger than 1048576 characters; split it into several files",
    ]);
    expect((await only(`a: ${"[".repeat(40)}${"]".repeat(40)}`)).join()).toContain("is nested too deeply");
    expect((await only(`a: ${"[".repeat(20_000)}`)).length).toBeGreaterThan(0);
    expect(await only(Array.from({ length: 2001 }, () => "---\na: 1\n").join(""))).toEqual([
      "a.yaml:1:1 the file has more than 2000 documents; split it into several files",
    ]);
    const big = { path: "a.yaml", text: `# ${"x".repeat(1_000_000)}` };
    expect(await faultsOf(Array.from({ length: 17 }, () => big))).toEqual([
      "a.yaml:1:1 the policy is larger than 16777216 characters; remove what is not policy from the folder",
    ]);
  });

  it("demands a pinned owner where names can change hands", async () => {
    const github = {
      file: "issuer.yaml",
      from: "https://oidc.prod.example",
      to: "https://token.actions.githubusercontent.com",
    };
    const faults = await faultsOf(editedFiles(github));
    expect(faults).toContain(
      "agents.yaml:14:55 spec.identity.claims: names at a shared issuer can change hands, and no owner id is pinned; " +
        "add one of the claims repository_id, repository_owner_id, enterprise_id",
    );
    expect(faults).toHaveLength(4);
    const pinned = { file: "agents.yaml", from: "environment: prod", to: 'repository_id: "42"' };
    expect(await faultsOf(editedFiles(github, pinned))).toHaveLength(3);
  });

  it("never repeats a value: it may be a secret in the wrong place", async () => {
    const canary = "s3cr3t-canary";
    const texts = [
      `a: &x ${canary}`,
      `${canary}: 1`,
      `kind: ${canary}`,
      `"${canary}`,
      `a: !${canary} 1`,
      `a: "\\q${canary}"`,
    ];
    const lines = await Promise.all(texts.map((text) => faultsOf([{ path: "a.yaml", text: `${head}x\n${text}\n` }])));
    expect(lines.every((found) => found.length > 0)).toBe(true);
    expect(lines.flat().filter((line) => line.includes(canary))).toEqual([
      `a.yaml:3:1 ${canary}: is not a known field; known here: apiVersion, kind, metadata, spec`,
    ]);
  });
});

describe("policy files: warnings", () => {
  it.each([
    [
      "agents.yaml",
      "{ businessApprover: cfo, technicalCustodian: payments }",
      "{ businessApprover: cfo, technicalCustodian: cfo }",
      "agents.yaml:7:11 spec.owners: one party both approves and runs it; name two parties",
    ],
    [
      "templates.yaml",
      "agents: [bot]",
      'agents: [bot, "x*"]',
      "templates.yaml:11:17 spec.agents.1: matches no AgentProfile; correct it, or remove it",
    ],
    [
      "templates.yaml",
      "agents: [bot]",
      'agents: ["*"]',
      "templates.yaml:11:12 spec.agents.0: lets every agent ask; name the agents",
    ],
    [
      "templates.yaml",
      "---\n",
      "---\napiVersion: mayfly.dev/v1\nkind: Provider\nmetadata: { name: spare }\nspec: { type: jwt }\n---\n",
      "templates.yaml:8:19 metadata.name: no template uses this provider; remove it, or add a CredentialTemplate",
    ],
  ])("%s: %s", async (file, from, to, warning) => {
    expect((await parsedSample()).warnings).toEqual([]);
    expect((await parsedSample({ file, from, to })).warnings.map(formatFault)).toEqual([warning]);
  });
});

describe("policy files: digest", () => {
  it("depends on what is said, not on files, order, comments or defaults that are written out", async () => {
    const { digest } = (await parsedSample()).policy;
    const joined = Object.entries(sampleFiles)
      .toReversed()
      .map(([, text]) => text)
      .join("---\n# a comment\n");
    const parsed = await parsePolicy([
      { path: "all.yaml", text: joined.replace("keys:", "replay: reusable\n  keys:") },
    ]);
    expect(parsed.ok && parsed.value.policy.digest).toBe(digest);
    expect(digest).toMatch(/^[A-Za-z0-9_-]{43}$/);
    const changed = await parsedSample({ file: "templates.yaml", from: "maxSeconds: 900", to: "maxSeconds: 899" });
    expect(changed.policy.digest).not.toBe(digest);
  });

  it("keeps references to secrets as they are", async () => {
    const { policy } = await parsedSample();
    expect([...policy.providers.values()]).toEqual([
      { name: "ledger-db", type: "postgres", options: { url: { env: "LEDGER_DB_URL" } } },
    ]);
  });
});

describe("policy files: robustness", () => {
  /** Whatever the text, the answer is a policy or faults that a person can act on. */
  async function isAccountedFor(text: string): Promise<boolean> {
    const lastLine = text.split("\n").length + 1;
    const parsed = await parsePolicy([{ path: "a.yaml", text }]);
    return (
      parsed.ok ||
      (parsed.fault.length > 0 &&
        parsed.fault.every(({ line, column, fix }) => line >= 1 && line <= lastLine && column >= 1 && fix !== ""))
    );
  }
  const check = (texts: fc.Arbitrary<string>, numRuns: number): Promise<void> =>
    fc.assert(fc.asyncProperty(texts, isAccountedFor), { numRuns });

  it("random bytes", async () => {
    const bytes = fc.uint8Array({ maxLength: 400 }).map((array) => new TextDecoder("latin1").decode(array));
    await expect(check(fc.oneof(bytes, fc.string({ unit: "binary", maxLength: 200 })), 500)).resolves.toBeUndefined();
  });

  it("YAML-like noise", async () => {
    const words = [
      "- ",
      ": ",
      "? ",
      "{",
      "}",
      "[",
      "]",
      "&a ",
      "*a",
      "!!x ",
      "|\n",
      ">\n",
      '"',
      "'",
      "#",
      "\n",
      "\n  ",
      "---\n",
      "...\n",
      "%",
      "a",
      "kind",
      "<<",
      "\t",
      ",",
      "spec:",
    ];
    const noise = fc.array(fc.constantFrom(...words), { maxLength: 60 }).map((parts) => parts.join(""));
    await expect(check(noise, 1000)).resolves.toBeUndefined();
  });

  it("the sample with a piece cut out, repeated or replaced", async () => {
    const all = Object.values(sampleFiles).join("---\n");
    const filling = fc.oneof(
      fc.constantFrom("", "\n", "[]", "{}", "null", "-1", "1e9", "true", "*", "${parameters.x}"),
      fc.string({ maxLength: 8 }),
    );
    const mutated = fc
      .tuple(fc.nat({ max: all.length }), fc.nat({ max: 40 }), filling)
      .map(([at, length, text]) => all.slice(0, at) + text + all.slice(at + length));
    await expect(check(mutated, 250)).resolves.toBeUndefined();
  });

  it("hundreds of resources", async () => {
    const text = Array.from({ length: 300 }, (_, index) => guardrail(`g${index}`)).join("---\n");
    expect(await faultsOf([...editedFiles(), { path: "z.yaml", text }])).toEqual([]);
  });
});
