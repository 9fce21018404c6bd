/** TLS with a CA of one's own, an ACL user and passwords, where more than one server is talked to: Sentinels, a cluster. */
import { readFileSync, rmSync } from "node:fs";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { Redacted } from "../../../src/kernel/redacted.ts";
import type { Ledger } from "../../../src/ports/ledger.ts";
import { createBuilders } from "../../support/builders.ts";
import { realClock } from "../../support/real-clock.ts";
import { endTask, noAccess, openAt, tryOpen } from "../../support/redis-opened.ts";
import { makeFolder } from "../../support/redis-server.ts";
import { makeCertificates, type Certificates } from "../../support/certificates.ts";
import { secureMaster, startSecureCluster, startSecureSentinel } from "../../support/redis-secure.ts";

const builders = createBuilders({ clock: realClock });
const patient = { timeout: 60_000 };
const folder = makeFolder();
let certificates: Certificates;
beforeAll(() => {
  certificates = makeCertificates(folder);
});
afterAll(() => rmSync(folder, { recursive: true }));

let stop: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(stop.map((end) => end()));
  stop = [];
});

const access = (sentinelPassword: string | null) => ({
  access: {
    ...noAccess,
    user: "mayfly",
    password: new Redacted("s3cret", "password"),
    sentinelPassword: sentinelPassword === null ? null : new Redacted(sentinelPassword, "password"),
    tls: { ca: readFileSync(certificates.ca, "utf8") },
  },
});

/** A task, its one mint, its end; answers whether the mint is due then. */
async function playStory(ledger: Ledger): Promise<boolean> {
  const opened = await ledger.openTask(builders.openTask());
  if (opened.kind !== "ok") throw new Error(JSON.stringify(opened));
  const recorded = await ledger.recordIntent(builders.recordIntent(opened.value.id));
  if (recorded.kind !== "ok") throw new Error(JSON.stringify(recorded));
  const completed = await ledger.completeMint(builders.completeMint(recorded.value.lease));
  expect(completed).toMatchObject({ kind: "ok", value: { outcome: "activated" } });
  expect((await endTask(ledger, opened.value.id)).kind).toBe("ok");
  return (await ledger.dueWork()).sweep;
}

it("Sentinels with a password, over TLS, name a master that wants an ACL user", patient, async () => {
  const sentinel = await startSecureSentinel(certificates);
  stop.push(() => sentinel.stop());
  const url = `rediss://127.0.0.1:${sentinel.port}?sentinel=${secureMaster}&shards=4`;
  const ledger = await openAt(url, access("gu4rd"));
  stop.push(() => ledger.close());
  expect(await playStory(ledger)).toBe(true);
  const wrong = await tryOpen(url, access("wr0ng"));
  expect(wrong).toMatchObject({ ok: false });
  expect(JSON.stringify(wrong)).not.toMatch(/wr0ng|gu4rd|s3cret/);
});

it("a cluster is talked to over TLS on each of its servers", patient, async () => {
  const cluster = await startSecureCluster(certificates);
  stop.push(() => cluster.stop());
  const ledger = await openAt(`rediss://${cluster.hosts}?shards=8`, access(null));
  stop.push(() => ledger.close());
  const wasDue: boolean[] = [];
  while (wasDue.length < 12) wasDue.push(await playStory(ledger));
  expect(new Set(wasDue)).toEqual(new Set([true]));
});
