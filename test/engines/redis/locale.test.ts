/** A server that was started in a language of its own sorts Lua's texts by it; a walk must not notice. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { agentName, createBuilders, operator } from "../../support/builders.ts";
import { openRedisWorld, type RedisWorld } from "../../support/redis-nodes.ts";
import { valueOf } from "../../kit/ledger/bench.ts";

/** Danish sorts "aa" behind "z". */
const canMakeLocale = existsSync("/usr/bin/localedef") && existsSync("/usr/share/i18n/locales/da_DK");

describe("a server in Danish", () => {
  const before = { ...process.env };
  let folder = "";
  let world: RedisWorld | null = null;
  beforeAll(async () => {
    if (!canMakeLocale) return;
    folder = mkdtempSync(join(tmpdir(), "mayfly-locale-"));
    execFileSync("localedef", ["--no-archive", "-i", "da_DK", "-f", "UTF-8", join(folder, "da_DK.UTF-8")], {
      stdio: "ignore",
    });
    process.env["LOCPATH"] = folder;
    process.env["LC_ALL"] = "da_DK.UTF-8";
    world = await openRedisWorld(1);
  });
  afterAll(async () => {
    process.env = before;
    await world?.close();
    if (folder !== "") rmSync(folder, { recursive: true });
  });

  it("kills everything behind a door, in pages that begin at each of its leases", async (context) => {
    context.skip(world === null, "needs localedef and the locales' sources; run: apt-get install locales");
    if (world === null) return;
    const { ledger } = await world.node();
    const builders = createBuilders({ clock: world.clock });
    const task = valueOf(await ledger.openTask(builders.openTask({ agent: agentName("conductor") })));
    const issue = async (): Promise<void> => {
      const { lease } = valueOf(await ledger.recordIntent(builders.recordIntent(task.id)));
      valueOf(await ledger.completeMint(builders.completeMint(lease)));
    };
    const count = 400;
    await Promise.all(Array.from({ length: count }, issue));
    valueOf(await ledger.closeDoor({ scope: { kind: "all" }, reason: "x", cause: operator }));
    let total = 0;
    for (let page = 0, isMore = true; isMore && page < 4 * count; page += 1) {
      const { madeDue, more } = valueOf(await ledger.expandKillOrders(1));
      total += madeDue;
      isMore = more;
    }
    expect(total).toBe(count);
    expect((await ledger.summarize(task.id)).byState.active).toBe(0);
  });
});
