/**
 * `mayfly doctor`: looks at everything that `mayfly serve` with the same settings would stand on, in the order in which
 * it would fail. Starts nothing, changes nothing, makes no key and no ledger.
 */
import { parseServeOptions, type Environment, type ServeFlags, type ServeOptions } from "../config.ts";
import { createSystemEntropy, systemClock } from "../system-clock.ts";
import { readKeys } from "../read-keys.ts";
import { checkAddress, checkNode, checkRoom } from "./check-host.ts";
import { checkKeys } from "./check-keys.ts";
import { checkLedger } from "./check-ledger.ts";
import { checkRedis } from "./check-redis.ts";
import { checkPolicyAndNetwork } from "./check-network.ts";
import { fail, type Finding } from "./finding.ts";

export async function* examine(flags: ServeFlags, env: Environment): AsyncGenerator<Finding, void> {
  yield checkNode(process.version);
  const options = parseServeOptions(flags, env);
  if (!options.ok) {
    for (const { setting, message, fix } of options.fault) yield fail(setting, message, fix);
    return;
  }
  yield* examineSettings(options.value, env);
}

async function* examineSettings(options: ServeOptions, env: Environment): AsyncGenerator<Finding, void> {
  const keys = await checkKeys(options, env);
  yield* keys.findings;
  // Reading rings that are not there would make them.
  const rings = keys.areUsable
    ? await readKeys(options, { env, clock: systemClock, entropy: createSystemEntropy() })
    : null;
  const { ledger } = options;
  const sealingKeys = rings?.ok === true ? rings.value.sealer.keyIds() : null;
  const { findings, notes } =
    ledger.kind === "redis"
      ? await checkRedis(ledger.place, options, env, sealingKeys)
      : await checkLedger(ledger.file, sealingKeys);
  yield* findings;
  if (ledger.kind === "sqlite") yield await checkRoom(ledger.file);
  yield await checkAddress("--listen", options.listen);
  yield await checkAddress("--admin-listen", options.adminListen);
  const signer = rings?.ok === true ? rings.value.signer : null;
  yield* await checkPolicyAndNetwork({ options, env, signer, notes });
}
