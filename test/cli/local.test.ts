/** The commands that talk to no broker: policy check and schema, keys, doctor. */
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { policy } from "../http/world.ts";
import { openSqliteLedger, type SqliteLedger } from "../../src/engines/node-sqlite/open.ts";
import { valueOf } from "../kit/ledger/bench.ts";
import { createBuilders } from "../support/builders.ts";
import { realClock } from "../support/real-clock.ts";
import { silentLog } from "../support/silent.ts";
import { startIssuer, type ServedIssuer } from "../support/issuer-server.ts";
import { listenOnLoopback } from "../support/loopback-server.ts";
import { runBinary, runCli } from "./run-cli.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "mayfly-cli-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function writePolicy(text: string, name = "policy.yaml"): Promise<string> {
  const folder = join(dir, "policy");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, name), text);
  return folder;
}

/** A ledger that is in use, with a credential that lives and was sealed with this key. */
async function makeLedgerWithSeal(file: string, keyId: string | null): Promise<SqliteLedger> {
  const opened = await openSqliteLedger({ file, clock: realClock, log: silentLog, onFatal: () => {} });
  if (!opened.ok) throw new Error(opened.fault.message);
  const ledger = opened.value;
  const build = createBuilders({ clock: realClock });
  const task = valueOf(await ledger.openTask(build.openTask()));
  const { lease } = valueOf(await ledger.recordIntent(build.recordIntent(task.id)));
  const sealed = keyId === null ? null : `${keyId}.sealed`;
  valueOf(await ledger.completeMint(build.completeMint(lease, { sealed })));
  return ledger;
}

const parse = (text: string): Record<string, unknown> => JSON.parse(text) as Record<string, unknown>;
const narrow = policy.replace('agents: ["*"]\n', "agents: [bot]\n");
const good = narrow.replaceAll("ISSUER", "https://idp.example");

interface Sample {
  readonly name: string;
  readonly text: string;
  readonly says: readonly RegExp[];
}

const faulty: readonly Sample[] = [
  {
    name: "an unknown field, with a suggestion",
    text: good.replace("maxLifetimeSeconds", "maxLifetimeSecond"),
    says: [/^policy\.yaml:\d+:\d+: error: .*maxLifetimeSecond .*did you mean maxLifetimeSeconds/m],
  },
  {
    name: "a missing provider",
    text: good.replace("provider: own", "provider: owm"),
    says: [/^policy\.yaml:\d+:\d+: error: spec\.provider /m],
  },
  {
    name: "a provider type of another release",
    text: good.replace("{ type: jwt }", "{ type: mainframe }"),
    says: [/jwt, oauth/],
  },
  {
    name: "a broken condition",
    text: `${good}  when: 'task.context.environment = "prod"'\n`,
    says: [/^policy\.yaml:\d+:\d+: error: spec\.when /m],
  },
  { name: "no YAML", text: "kind: [", says: [/^policy\.yaml:\d+:\d+: error: /m] },
  {
    name: "two faults at once",
    text: good.replace("actionClass: read", "actionClass: reed").replace("role: agent", "role: agnt"),
    says: [/actionClass/, /role/],
  },
];

describe("cli: policy check", () => {
  it("accepts a good folder", async () => {
    const ran = await runBinary(["policy", "check", await writePolicy(good)]);
    expect(ran).toMatchObject({ code: 0, stdout: "" });
    expect(ran.stderr).toBe("valid: 1 templates, 6 agents, 1 providers\n");
    const asJson = await runCli(["policy", "check", await writePolicy(good), "--json"]);
    expect(parse(asJson.stdout)).toMatchObject({ valid: true, digest: expect.any(String), faults: [], warnings: [] });
  });

  it("shows what is legal and probably not meant", async () => {
    const folder = await writePolicy(policy.replaceAll("ISSUER", "https://idp.example"));
    const ran = await runCli(["policy", "check", folder]);
    expect(ran.code).toBe(0);
    expect(ran.stdout).toMatch(/^policy\.yaml:\d+:\d+: warning: spec\.agents\.0 /);
  });

  it.each(faulty)("refuses $name", async ({ text, says }) => {
    const folder = await writePolicy(text);
    const ran = await runCli(["policy", "check", folder]);
    expect(ran.code).toBe(1);
    for (const words of says) expect(ran.stdout).toMatch(words);
    expect(ran.stderr).toMatch(/^\d+ faults?; a broker would refuse this folder/);
    const asJson = await runCli(["policy", "check", folder, "--json"]);
    expect(asJson).toMatchObject({ code: 1, stderr: "" });
    const faults = parse(asJson.stdout)["faults"];
    expect(faults).toEqual(
      expect.arrayContaining([expect.objectContaining({ file: "policy.yaml", fix: expect.stringMatching(/.+/) })]),
    );
    expect(ran.stdout.trimEnd().split("\n")).toHaveLength((faults as unknown[]).length);
  });

  it.each([
    ["a folder without files", "."],
    ["a folder that is not there", "nowhere"],
  ])("refuses %s", async (_name, folder) => {
    const ran = await runCli(["policy", "check", join(dir, folder)]);
    expect(ran.code).toBe(1);
    expect(ran.stdout).toMatch(/:1:1: error: .+; .+\n/);
  });

  it("does not repeat a secret that someone pasted into it", async () => {
    const ran = await runCli([
      "policy",
      "check",
      await writePolicy(good.replace("{ type: jwt }", "{ type: oauth, clientSecret: hunter2hunter2 }")),
    ]);
    expect(ran.code).toBe(1);
    expect(ran.stdout + ran.stderr).not.toContain("hunter2");
  });

  it("prints the schema for editors", async () => {
    const ran = await runCli(["policy", "schema"]);
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(parse(ran.stdout)).toMatchObject({ $schema: expect.stringContaining("2020-12"), anyOf: expect.any(Array) });
  });
});

describe("cli: keys generate", () => {
  it("writes both rings for their owner only, prints where, and never what", async () => {
    const out = join(dir, "keys");
    const ran = await runBinary(["keys", "generate", "--out", out]);
    expect(ran.code).toBe(0);
    expect(ran.stdout).toBe(
      `MAYFLY_SEALING_KEYS_FILE=${out}/sealing-keys.json\nMAYFLY_SIGNING_KEYS_FILE=${out}/signing-keys.json\n`,
    );
    for (const name of ["sealing-keys.json", "signing-keys.json"]) {
      expect((await stat(join(out, name))).mode & 0o777).toBe(0o600);
      expect(ran.stdout + ran.stderr).not.toContain((await readFile(join(out, name), "utf8")).slice(20, 60));
    }
  });

  it("never overwrites a ring, and makes both or none", async () => {
    await writeFile(join(dir, "signing-keys.json"), "precious");
    const ran = await runCli(["keys", "generate", "--out", dir]);
    expect(ran).toMatchObject({ code: 1, stdout: "" });
    expect(ran.stderr).toMatch(/signing-keys\.json exists already[^]*no key file was changed/);
    expect(await readFile(join(dir, "signing-keys.json"), "utf8")).toBe("precious");
    expect(await readdir(dir)).toEqual(["signing-keys.json"]);
  });
});

interface Finding {
  readonly check: string;
  readonly level: string;
  readonly detail: string;
  readonly fix: string | null;
}

describe("cli: doctor", () => {
  let issuer: ServedIssuer;
  beforeEach(async () => {
    issuer = await startIssuer();
  });
  afterEach(() => issuer.close());

  const listenFree = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
  const flags = ["doctor", "--development", ...listenFree];
  async function examine(text: string, more: { args?: readonly string[]; env?: Record<string, string> } = {}) {
    const folder = await writePolicy(text.replaceAll("ISSUER", issuer.url));
    const all = [...flags, "--policy", folder, "--data", join(dir, "data"), "--json", ...(more.args ?? [])];
    const ran = await runCli(all, { env: more.env ?? {} });
    const report = parse(ran.stdout) as { healthy: boolean; findings: Finding[] };
    const levels = Object.fromEntries(report.findings.map(({ check, level }) => [check, level]));
    return { ...ran, ...report, levels };
  }

  it("finds a development broker fit before its first start, and leaves nothing behind", async () => {
    const found = await examine(narrow);
    expect(found).toMatchObject({ code: 0, healthy: true });
    expect(found.levels).toMatchObject({
      node: "ok",
      policy: "ok",
      "issuer prod": "ok",
      MAYFLY_SEALING_KEYS: "warn",
      "--listen": "ok",
    });
    expect(await readdir(dir)).toEqual(["policy"]);
  });

  it("asks the providers once there are keys", async () => {
    await runCli(["keys", "generate", "--out", join(dir, "data")]);
    const found = await examine(policy);
    expect(found.levels).toMatchObject({ MAYFLY_SEALING_KEYS: "ok", MAYFLY_SIGNING_KEYS: "ok", "provider own": "ok" });
  });

  it("tells an issuer that does not answer, and one whose clock is off", async () => {
    issuer.misbehave((_request, response) => void response.writeHead(500).end());
    expect(await examine(policy)).toMatchObject({ code: 1, healthy: false, levels: { "issuer prod": "fail" } });
    issuer.misbehave((request, response) => {
      response.setHeader("date", "Thu, 01 Jan 2026 00:00:00 GMT");
      const body = request.url === "/keys" ? issuer.keySet() : { issuer: issuer.url, jwks_uri: `${issuer.url}/keys` };
      response.end(JSON.stringify(body));
    });
    expect((await examine(policy)).levels).toMatchObject({ "issuer prod": "ok", "clock against issuer prod": "fail" });
  });

  it("names the key file of an issuer that cannot be read", async () => {
    const found = await examine(policy.replace("{ discovery: true }", "{ file: ./nowhere.json }"));
    const told = found.findings.find(({ check }) => check === "issuer prod");
    expect(told).toMatchObject({ level: "fail", fix: expect.stringContaining("./nowhere.json must be a file") });
  });

  describe("compares the sealing ring with the ledger", () => {
    it.each<[string, string | null, string, RegExp]>([
      ["a key that is not in the ring", "key-of-another-ring", "fail", /lacks key key-of-another-ring, which living/],
      ["a key of the ring", "ring", "ok", /the ring has the keys/],
      ["nothing sealed", null, "ok", /there are none/],
    ])("%s", async (_, sealedWith, level, detail) => {
      const out = join(dir, "data");
      await runCli(["keys", "generate", "--out", out]);
      const { active } = parse(await readFile(join(out, "sealing-keys.json"), "utf8"));
      const ledger = await makeLedgerWithSeal(
        join(out, "ledger.db"),
        sealedWith === "ring" ? String(active) : sealedWith,
      );
      try {
        // Once beside a broker that holds it, once at rest.
        for (const isHeld of [true, false]) {
          if (!isHeld) await ledger.close();
          const found = await examine(policy);
          const seals = found.findings.find(({ check }) => check === "sealed credentials");
          expect([seals?.level, seals?.detail], `held: ${isHeld}`).toEqual([level, expect.stringMatching(detail)]);
        }
      } finally {
        await ledger.close();
      }
    });
  });

  it("says that a provider on plain http is not called in production, as policy check does", async () => {
    const sso = "{ type: oauth, issuer: 'http://sso.example', clientId: me }";
    const plain = `${policy}---\napiVersion: mayfly.dev/v1\nkind: Provider\nmetadata: { name: sso }\nspec: ${sso}\n`;
    const checked = await runCli(["policy", "check", await writePolicy(plain.replaceAll("ISSUER", issuer.url))]);
    expect(checked.stdout).toMatch(/warning: spec\.issuer is plain http, which a broker in production never calls/);
    await runCli(["keys", "generate", "--out", join(dir, "keys")]);
    const inProduction = ["--issuer", "https://broker.example"];
    const env = {
      MAYFLY_SEALING_KEYS_FILE: join(dir, "keys", "sealing-keys.json"),
      MAYFLY_SIGNING_KEYS_FILE: join(dir, "keys", "signing-keys.json"),
    };
    const ran = await runCli(
      [
        "doctor",
        "--json",
        "--policy",
        join(dir, "policy"),
        "--data",
        join(dir, "data"),
        ...listenFree,
        ...inProduction,
      ],
      { env },
    );
    const told = (parse(ran.stdout)["findings"] as Finding[]).filter(({ detail }) => detail.includes("plain http"));
    expect(told).toMatchObject([{ level: "fail", fix: expect.stringContaining("write https") }]);
    expect(told[0]?.detail).not.toContain("write https");
  });

  it("tells keys that others may read, and keys that are broken", async () => {
    const out = join(dir, "data");
    await runCli(["keys", "generate", "--out", out]);
    await chmod(join(out, "sealing-keys.json"), 0o644);
    await writeFile(join(out, "signing-keys.json"), "{}");
    const found = await examine(policy);
    expect(found.levels).toMatchObject({ MAYFLY_SEALING_KEYS: "warn", MAYFLY_SIGNING_KEYS: "fail", providers: "warn" });
    expect(found.code).toBe(1);
  });

  it("tells a policy fault with its place, and an address in use", async () => {
    const taken = await listenOnLoopback(createServer());
    try {
      const found = await examine(policy.replace("actionClass: read", "actionClass: reed"), {
        args: ["--listen", `127.0.0.1:${taken.port}`],
      });
      expect(found).toMatchObject({ code: 1, levels: { policy: "fail", "--listen": "warn" } });
      expect(found.findings.find(({ check }) => check === "policy")?.detail).toMatch(/^policy\.yaml:\d+:\d+ /);
    } finally {
      await taken.close();
    }
  });

  it("tells every setting that is wrong, a line each with its fix", async () => {
    const ran = await runCli(["doctor", "--policy", dir, "--ledger", "mysql://x"]);
    expect(ran.code).toBe(1);
    expect(ran.stdout).toMatch(/^ok +node: v/);
    for (const setting of ["--ledger", "--issuer", "MAYFLY_SEALING_KEYS", "MAYFLY_SIGNING_KEYS"])
      expect(ran.stdout).toMatch(new RegExp(`^fail {2}${setting}: .+\n {6}.+`, "m"));
    expect(ran.stderr).toBe("4 failures, 0 warnings\n");
  });
});
