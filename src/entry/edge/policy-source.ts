/**
 * Where the policy of a broker on Workers comes from: files that were deployed with it, or a bucket. No timer looks for
 * changes, because it would keep an object awake: each request and alarm says that it was there, and now and then one of
 * them pays for a look. What cannot be read, or is refused, leaves the last good set in force.
 */
import type { LoadText } from "../../attest/key-location.ts";
import type { Clock } from "../../kernel/clock.ts";
import { err, ok, type Result } from "../../kernel/result.ts";
import type { PolicyFault } from "../../policy/parse/fault.ts";
import type { PolicyFile } from "../../policy/parse/yaml-documents.ts";
import {
  isPolicyFile,
  policyPlaceFault,
  refusePolicyCount,
  type KeptPolicy,
  type PolicySource,
} from "../load-policy.ts";

export interface EdgePolicy extends PolicySource {
  /** Key sets that an issuer names by file lie beside the policy. */
  readonly loadText: LoadText;
  /** To be called with each request and alarm; answers at once. */
  touched(): void;
}

/** Every file that was deployed; those that are no YAML are there to be named. */
export function bundledPolicy(files: readonly PolicyFile[], kept?: KeptPolicy): EdgePolicy {
  const policy = files.filter(({ path }) => isPolicyFile(path)).toSorted(byPath);
  const refusal = refusePolicyCount("the deployed policy", policy.length);
  return {
    ...(kept !== undefined && { kept }),
    read: () => Promise.resolve(refusal === null ? ok(policy) : err(refusal)),
    watch: () => () => {},
    touched: () => {},
    async loadText(path) {
      const file = files.find((known) => known.path === path);
      return file === undefined ? err("file") : ok(file.text);
    },
  };
}

/** The part of an R2 bucket that is needed. */
export interface PolicyBucket {
  list(options: { prefix?: string; cursor?: string }): Promise<BucketPage>;
  get(key: string): Promise<{ text(): Promise<string> } | null>;
}
interface BucketPage {
  readonly objects: readonly BucketObject[];
  readonly truncated: boolean;
  readonly cursor?: string;
}
interface BucketObject {
  readonly key: string;
  readonly etag: string;
  readonly size: number;
}

export interface BucketOptions {
  readonly clock: Pick<Clock, "monotonicMillis">;
  /** Of the keys; what follows it is the path of a file. */
  readonly prefix?: string;
  readonly kept?: KeptPolicy;
}

const lookMillis = 60_000;
/** A bucket whose policy is not among its first pages is not one for policies. */
const maxPages = 5;
/** As much text as one policy may have. */
const maxBytes = 16 * 1024 * 1024;
const place = "the policy bucket";

export function bucketPolicy(bucket: PolicyBucket, { clock, prefix = "", kept }: BucketOptions): EdgePolicy {
  let lookedAt = clock.monotonicMillis();
  /** What was last read, by name and version; none after a failure, so that the next look reads again. */
  let seen: string | undefined;
  let ring: (() => void) | undefined;

  const read = async (): Promise<Result<readonly PolicyFile[], PolicyFault>> => {
    seen = undefined;
    lookedAt = clock.monotonicMillis();
    try {
      const listed = await listPolicy(bucket, prefix);
      if (!listed.ok) return listed;
      const files: PolicyFile[] = [];
      for (const { key } of listed.value) {
        // oxlint-disable-next-line no-await-in-loop -- an object has few connections, and its kills need them
        const text = await textOf(bucket, key);
        if (text === undefined)
          return err(policyPlaceFault(place, "changed while it was read", "nothing; it is read again within a minute"));
        files.push({ path: key.slice(prefix.length), text });
      }
      seen = versionsOf(listed.value);
      return ok(files);
    } catch {
      return err(policyPlaceFault(place, "cannot be read", "check the bucket's binding in wrangler.toml"));
    }
  };

  const look = async (): Promise<void> => {
    const listed = await listPolicy(bucket, prefix).catch(() => undefined);
    if (listed?.ok !== true || versionsOf(listed.value) !== seen) ring?.();
  };

  return {
    ...(kept !== undefined && { kept }),
    read,
    watch(ringNow) {
      ring = ringNow;
      return () => (ring = undefined);
    },
    touched() {
      if (ring === undefined || clock.monotonicMillis() - lookedAt < lookMillis) return;
      lookedAt = clock.monotonicMillis();
      void look();
    },
    async loadText(path) {
      const text = await textOf(bucket, `${prefix}${path}`).catch(() => undefined);
      return text === undefined ? err("file") : ok(text);
    },
  };
}

async function listPolicy(bucket: PolicyBucket, prefix: string): Promise<Result<readonly BucketObject[], PolicyFault>> {
  const found: BucketObject[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < maxPages; page += 1) {
    // oxlint-disable-next-line no-await-in-loop -- each page says where the next one begins
    const listed = await bucket.list({ prefix, ...(cursor !== undefined && { cursor }) });
    found.push(...listed.objects.filter(({ key }) => isPolicyFile(key.slice(prefix.length))));
    if (!listed.truncated) return refuseSize(found) ?? ok(found);
    cursor = listed.cursor;
  }
  return err(
    policyPlaceFault(place, "holds too many objects", "keep the policy in a bucket, or under a prefix, of its own"),
  );
}

function refuseSize(found: readonly BucketObject[]): Result<never, PolicyFault> | null {
  const refusal = refusePolicyCount(place, found.length);
  if (refusal !== null) return err(refusal);
  const bytes = found.reduce((sum, { size }) => sum + size, 0);
  if (bytes <= maxBytes) return null;
  return err(
    policyPlaceFault(place, `holds more than ${maxBytes} bytes`, "split the organisation's policies over brokers"),
  );
}

const textOf = async (bucket: PolicyBucket, key: string): Promise<string | undefined> =>
  (await bucket.get(key))?.text();

const versionsOf = (objects: readonly BucketObject[]): string =>
  JSON.stringify(objects.map(({ key, etag }) => [key, etag]));

const byPath = (left: PolicyFile, right: PolicyFile): number => (left.path < right.path ? -1 : 1);
