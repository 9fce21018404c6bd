/** What doctor says of each provider's kill: seen, unseen, not observable; and nothing where no ledger can know. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openSqliteLedger, type SqliteLedger } from "../../src/engines/node-sqlite/open.ts";
import { checkPolicy } from "../../src/entry/check-policy.ts";
import { examine } from "../../src/entry/doctor/examine.ts";
import { providerName } from "../support/builders.ts";
import { realClock } from "../support/real-clock.ts";
import { silentLog } from "../support/silent.ts";

const policy = `apiVersion: mayfly.dev/v1
kind: Provider
metadata: { name: sso }
spec: { type: oauth, issuer: https://sso.invalid, clientId: me, clientSecret: { env: SECRET }, clientAuth: client_secret_basic }
---
apiVersion: mayfly.dev/v1
kind: Provider
metadata: { name: own }
spec: { type: jwt }
`;
const env = { SECRET: "s" };

let dir: string;
let ledger: SqliteLedger | undefined;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "mayfly-doctor-"));
  await mkdir(join(dir, "policy"));
  await writeFile(join(dir, "policy", "policy.yaml"), policy);
});
afterEach(async () => {
  await ledger?.close();
  ledger = undefined;
  await rm(dir, { recursive: true });
});

async function openLedger(): Promise<SqliteLedger> {
  const file = join(dir, "ledger.db");
  const opened = await openSqliteLedger({ file, clock: realClock, log: silentLog, onFatal: () => {} });
  if (!opened.ok) throw new Error(opened.fault.message);
  ledger = opened.value;
  return ledger;
}

async function findKills() {
  const flags = {
    policy: join(dir, "policy"),
    data: dir,
    development: true,
    listen: "127.0.0.1:0",
    adminListen: "127.0.0.1:0",
  };
  const found = [];
  for await (const finding of examine(flags, env)) if (finding.check.startsWith("kill of ")) found.push(finding);
  return found;
}

it("one that was never seen is a warning with the command that shows it; one that nobody could see is not", async () => {
  await openLedger();
  expect(await findKills()).toEqual([
    {
      check: "kill of sso",
      level: "warn",
      detail: "was never seen to work",
      fix: "run mayfly provider test sso --template NAME on the broker",
    },
    { check: "kill of own", level: "ok", detail: "cannot be observed; the provider's word is believed", fix: null },
  ]);
});

it.each([
  ["of this system is fine", "", "ok"],
  ["of another system of that name says nothing", "another.", "warn"],
])("one that was seen %s, beside a broker and at rest", async (_, otherSystem, level) => {
  const open = await openLedger();
  const provider = providerName("sso");
  const loaded = await checkPolicy(join(dir, "policy"), env);
  const digest = loaded.ok ? (loaded.value.providers.pairs.get(provider)?.revoking.digest ?? "") : "";
  expect(digest).not.toBe("");
  await open.noteProvider({ provider, seen: { kind: "kill", digest: `${otherSystem}${digest}` } });
  expect((await findKills())[0]).toMatchObject({ check: "kill of sso", level });
  await open.close();
  expect((await findKills())[0]).toMatchObject({ check: "kill of sso", level });
});

it("is not told before there is a ledger", async () => {
  expect(await findKills()).toEqual([]);
});
