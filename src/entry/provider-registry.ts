/**
 * The configured providers. Each is made twice, once with the connections of issuing and once with those of revoking.
 * After a reload the instances of the old configuration stay, so that what they minted can be killed as it was made;
 * but not with a secret that was rotated: then the current instance kills for all earlier ones of its system.
 */
import type { ProviderLookup } from "../broker/provider-facade.ts";
import type { ProviderName } from "../domain/names.ts";
import { isSameSystem, systemOf } from "../domain/provider-digest.ts";
import type { ScopeFault, ScopeTemplate } from "../domain/scope-template.ts";
import { err, ok, type Result } from "../kernel/result.ts";
import type { CredentialTemplate, ProviderResource } from "../policy/resources.ts";
import type { HttpClient } from "../ports/http-client.ts";
import type { Provider, ProviderLedger, ProviderTools, ProviderType } from "../ports/provider.ts";
import { secretFileOf } from "./secret-reference.ts";
import { areSameReadings, createSecretReader, type SecretReadings } from "./secret-readings.ts";

export interface ProviderSet {
  readonly pairs: ReadonlyMap<ProviderName, ProviderPair>;
  parseScope(template: CredentialTemplate): Result<ScopeTemplate, ScopeFault>;
}

export interface ProviderPair {
  readonly issuing: Provider;
  readonly revoking: Provider;
  /** What both were made with. */
  readonly secrets: SecretReadings;
}

export interface ProviderFault extends ScopeFault {
  readonly name: ProviderName;
}

export interface ProviderRegistry {
  /** Makes instances without contacting anything; changes nothing yet. */
  prepare(
    resources: ReadonlyMap<ProviderName, ProviderResource>,
  ): Promise<Result<ProviderSet, readonly ProviderFault[]>>;
  activate(set: ProviderSet): void;
  /** The providers of this set whose secrets read otherwise than those of the current ones. */
  rotated(set: ProviderSet): readonly ProviderName[];
  /** The secret files that the last `prepare` asked for, readable or not. */
  secretFiles(): readonly string[];
  current(): ReadonlyMap<ProviderName, ProviderPair>;
  readonly lookup: ProviderLookup;
  /** Whatever was made and not dropped before. */
  close(): Promise<void>;
}

export interface RegistryTools extends Omit<ProviderTools, "name" | "http" | "ledger"> {
  readonly ledgerOf: (name: ProviderName) => ProviderLedger;
  readonly issuingHttp: HttpClient;
  readonly revokingHttp: HttpClient;
  /** Or what is wrong with naming it. */
  readonly loadType: (type: string) => Promise<Result<ProviderType, string>>;
}

/** Old configurations that are kept for their last leases; a reload that changes a provider is rare. */
const maxDraining = 64;

export function createProviderRegistry(tools: RegistryTools): ProviderRegistry {
  let current: ReadonlyMap<ProviderName, ProviderPair> = new Map();
  let secretFiles: ReadonlySet<string> = new Set();
  /** Made, looked at perhaps, and not in use: the next one takes its place. */
  let prepared: ProviderSet | undefined;
  const draining = createDraining();

  const rotated = (set: ProviderSet): readonly ProviderName[] =>
    [...set.pairs].flatMap(([name, { secrets }]) => {
      const before = current.get(name);
      return before === undefined || areSameReadings(before.secrets, secrets) ? [] : [name];
    });

  return {
    async prepare(resources) {
      const files = new Set<string>();
      secretFiles = files;
      const resolveSecret: RegistryTools["resolveSecret"] = (reference) => {
        const file = secretFileOf(reference);
        if (file !== undefined) files.add(file);
        return tools.resolveSecret(reference);
      };
      const set = await prepare(resources, { ...tools, resolveSecret });
      if (prepared !== undefined) void closeAll(prepared.pairs.values());
      prepared = set.ok ? set.value : undefined;
      return set;
    },

    activate(set) {
      const renewed = rotated(set);
      for (const [name, pair] of current) draining.add(name, pair);
      for (const [name, { revoking }] of set.pairs) {
        draining.drop(name, revoking.digest);
        if (renewed.includes(name)) draining.dropSystem(name, revoking.digest);
      }
      draining.trim();
      current = set.pairs;
      if (prepared === set) prepared = undefined;
    },

    rotated,
    secretFiles: () => [...secretFiles],
    current: () => current,
    lookup: {
      issuing: (name) => current.get(name)?.issuing,
      revoking(name, digest) {
        const minter = draining.find(name, digest)?.revoking;
        if (minter !== undefined) return minter;
        const now = current.get(name)?.revoking;
        // Another system would be handed a secret that is not its own, and its "unknown" would pass for a death.
        return now !== undefined && isSameSystem(now.digest, digest) ? now : undefined;
      },
    },
    async close() {
      await closeAll([...current.values(), ...draining.all(), ...(prepared?.pairs.values() ?? [])]);
    },
  };
}

/** What they hold open besides the connections of all, such as a login that is kept alive. */
async function closeAll(pairs: Iterable<ProviderPair>): Promise<void> {
  await Promise.allSettled([...pairs].flatMap(({ issuing, revoking }) => [issuing.close(), revoking.close()]));
}

/** The pairs of earlier configurations, oldest first. */
function createDraining() {
  const pairs = new Map<string, ProviderPair>();
  const forget = (key: string): void => {
    const pair = pairs.get(key);
    pairs.delete(key);
    if (pair !== undefined) void closeAll([pair]);
  };
  const keyOf = (name: ProviderName, digest: string): string => `${name}@${digest}`;
  return {
    add(name: ProviderName, pair: ProviderPair): void {
      const key = keyOf(name, pair.revoking.digest);
      pairs.delete(key);
      pairs.set(key, pair);
    },
    find: (name: ProviderName, digest: string) => pairs.get(keyOf(name, digest)),
    all: () => [...pairs.values()],
    drop: (name: ProviderName, digest: string) => forget(keyOf(name, digest)),
    /** Their secret may be refused from now on, and a kill with it would look like one that nobody may do. */
    dropSystem(name: ProviderName, digest: string): void {
      const prefix = `${keyOf(name, systemOf(digest))}.`;
      for (const key of pairs.keys()) if (key.startsWith(prefix)) forget(key);
    },
    trim(): void {
      for (const key of [...pairs.keys()].slice(0, Math.max(0, pairs.size - maxDraining))) forget(key);
    },
  };
}

async function prepare(
  resources: ReadonlyMap<ProviderName, ProviderResource>,
  tools: RegistryTools,
): Promise<Result<ProviderSet, readonly ProviderFault[]>> {
  const pairs = new Map<ProviderName, ProviderPair>();
  const faults: ProviderFault[] = [];
  for (const resource of resources.values()) {
    const pair = await makePair(resource, tools);
    if (pair.ok) pairs.set(resource.name, pair.value);
    else faults.push({ name: resource.name, ...pair.fault });
  }
  if (faults.length > 0) return err(faults);
  return ok({
    pairs,
    parseScope(template) {
      const pair = pairs.get(template.provider);
      if (pair === undefined) return err({ path: "provider", message: "is not a Provider of this policy" });
      return pair.issuing.parseScope(template.scope);
    },
  });
}

async function makePair(resource: ProviderResource, tools: RegistryTools): Promise<Result<ProviderPair, ScopeFault>> {
  const { issuingHttp, revokingHttp, loadType, ledgerOf, ...rest } = tools;
  const type = await loadType(resource.type);
  if (!type.ok) return err({ path: "type", message: type.fault });
  const { resolveSecret, readings: secrets } = createSecretReader(tools.resolveSecret);
  const shared = { ...rest, resolveSecret, name: resource.name, ledger: ledgerOf(resource.name) };
  const issuing = await type.value.create(resource.options, { ...shared, http: issuingHttp });
  if (!issuing.ok) return issuing;
  const revoking = await type.value.create(resource.options, { ...shared, http: revokingHttp });
  return revoking.ok ? ok({ issuing: issuing.value, revoking: revoking.value, secrets }) : revoking;
}
