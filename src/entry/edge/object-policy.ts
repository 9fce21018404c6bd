/** The policy of an object that is put to rest and woken at any time: where it comes from, and when the ledger is told. */
import type { DurableObjectStorage, R2Bucket } from "@cloudflare/workers-types";
import type { PolicyFile } from "../../policy/parse/yaml-documents.ts";
import type { Ledger } from "../../ports/ledger.ts";
import { systemClock } from "../system-clock.ts";
import { bucketPolicy, bundledPolicy, type EdgePolicy } from "./policy-source.ts";
import { keptPolicy } from "./policy-store.ts";

export interface PolicyEnv {
  /** Left out: the policy that was deployed with the Worker. */
  readonly POLICY?: R2Bucket;
}

export function policyOf(parts: {
  readonly env: PolicyEnv;
  readonly storage: DurableObjectStorage;
  readonly deployed: readonly PolicyFile[];
}): EdgePolicy {
  const { env, storage, deployed } = parts;
  const kept = keptPolicy(storage);
  return env.POLICY === undefined
    ? bundledPolicy(deployed, kept)
    : bucketPolicy(env.POLICY, { clock: systemClock, kept });
}

/** It wakes often and finds the same policy: only another one, or another ledger, is told of it. */
export function recordingOnce(ledger: Ledger, storage: Pick<DurableObjectStorage, "get" | "put">, of = ""): Ledger {
  const key = "policy/recorded";
  return {
    ...ledger,
    async loadPolicy(command) {
      const recorded = `${of}${command.digest}`;
      if ((await storage.get(key)) === recorded) return { kind: "ok", value: { closed: [] }, sequence: 0 };
      const answer = await ledger.loadPolicy(command);
      if (answer.kind === "ok") await storage.put(key, recorded);
      return answer;
    },
  };
}
