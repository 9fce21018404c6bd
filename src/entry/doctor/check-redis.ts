/** The servers of a Redis ledger: reachable, fit to keep one, and what they could lose. Writes nothing there. */
import { describeDurability, durabilityFix, type Durability } from "../../engines/redis/connection/durability.ts";
import { describePlace, type RedisPlace } from "../../engines/redis/connection/ledger-url.ts";
import { checkServers, type CheckedServers } from "../../engines/redis/connection/server-checks.ts";
import { readStore } from "../../engines/redis/read-store.ts";
import { isNearlyFull } from "../../engines/redis/connection/watch-servers.ts";
import type { Environment, ServeOptions } from "../config.ts";
import type { Log } from "../../ports/log.ts";
import { systemClock } from "../system-clock.ts";
import { demandOf } from "../accepted-loss.ts";
import { sha1 } from "../open-store.ts";
import { readAccess } from "../redis-access.ts";
import { compareSeals } from "./compare-seals.ts";
import { fail, fine, warn, type Finding, type LedgerFindings } from "./finding.ts";

const check = "ledger";

export async function checkRedis(
  place: RedisPlace,
  options: Pick<ServeOptions, "mode" | "acceptedLoss">,
  env: Environment,
  sealingKeys: readonly string[] | null,
): Promise<LedgerFindings> {
  const access = await readAccess(place, env);
  if (!access.ok) return refused(access.fault);
  const checked = await checkServers({ place, access: access.value, demand: demandOf(options) });
  if (!checked.ok) return refused(checked.fault);
  const visit = { place, access: access.value, checked: checked.value, clock: systemClock, log: noLog, sha1 };
  const store = await readStore(visit);
  return {
    findings: [...serverFindings(place, checked.value), sealsFinding(store, sealingKeys)],
    notes: store.ok ? (store.value?.providerNotes ?? null) : null,
  };
}

const refused = ({ message, fix }: { readonly message: string; readonly fix: string }): LedgerFindings => ({
  findings: [fail(check, message, fix)],
  notes: null,
});

function serverFindings(place: RedisPlace, { masters, durability, knowsFlags }: CheckedServers): readonly Finding[] {
  const [version] = masters.map(({ versionText }) => versionText);
  const several = masters.length > 1 ? `, ${masters.length} masters` : "";
  return [
    fine(check, `${describePlace(place)} answers: Redis ${version}${several}`),
    durabilityFinding(durability),
    ...(masters.some(({ memory }) => isNearlyFull(memory))
      ? [fail("ledger memory", "more than 90 % is used; nothing is issued", "raise maxmemory, or add memory")]
      : []),
    ...(knowsFlags
      ? []
      : [
          warn(
            "ledger memory",
            "before Redis 7.0 kills fail, too, when maxmemory is reached",
            "use Redis 7.0 or newer",
          ),
        ]),
  ];
}

function sealsFinding(store: Awaited<ReturnType<typeof readStore>>, ring: readonly string[] | null): Finding {
  if (!store.ok) return fail(check, store.fault.message, store.fault.fix);
  return store.value === null
    ? fine(check, "there is no ledger yet; the start makes it")
    : compareSeals(store.value.sealedKeyIds, ring);
}

/** What it would log, it answers. */
const noLog: Log = { info: () => {}, warn: () => {}, error: () => {} };

function durabilityFinding(durability: Durability): Finding {
  const text = describeDurability(durability);
  if (durability.kind === "every_write") return fine("ledger durability", text);
  return warn("ledger durability", text, durabilityFix(durability));
}
