/** One issuer behind a real server, an attacker with a server of its own, and attestors that share their key source. */
import { createAttestor } from "../../src/attest/attestor.ts";
import type { TrustedIssuer } from "../../src/domain/trusted-issuer.ts";
import { createKeySources, type KeySources } from "../../src/attest/key-sources.ts";
import { createJoseVerifier, type VerifySignature } from "../../src/attest/verify-signature.ts";
import type { Identity } from "../../src/domain/identity.ts";
import { createNodeHttpClient } from "../../src/entry/node-http-client.ts";
import { createNodeVerifier } from "../../src/entry/node-signature.ts";
import { sha256 } from "../../src/kernel/digest.ts";
import { Redacted } from "../../src/kernel/redacted.ts";
import { err, type Result } from "../../src/kernel/result.ts";
import { seconds, type EpochMillis } from "../../src/kernel/time.ts";
import type { AttestationFault, Attestor } from "../../src/ports/attestor.ts";
import { cluster } from "../support/builders.ts";
import { startIssuer, type ServedIssuer } from "../support/issuer-server.ts";
import { createManualClock, type ManualClock } from "../support/manual-clock.ts";
import { silentLog } from "../support/silent.ts";

export const audience = "https://broker.example";
export const subject = "system:serviceaccount:finance:invoice-bot";

export interface World {
  readonly issuer: ServedIssuer;
  readonly attacker: ServedIssuer;
  readonly clock: ManualClock;
  readonly facts: TrustedIssuer;
  /** Trusted issuers beside the first. */
  readonly trusted: Map<string, TrustedIssuer>;
  readonly keySources: KeySources;
  /** The names of the verifiers, and the verifiers that must agree. */
  readonly verifiers: Readonly<Record<"jose" | "node", VerifySignature>>;
  attestor(options?: {
    verifySignature?: VerifySignature;
    facts?: Partial<TrustedIssuer>;
    cacheSize?: number;
  }): Attestor;
  attest(wish?: Partial<Parameters<ServedIssuer["attest"]>[0]>): string;
  close(): Promise<void>;
}

export async function createWorld(): Promise<World> {
  const issuer = await startIssuer();
  const attacker = await startIssuer();
  const clock = createManualClock();
  const http = createNodeHttpClient({ allowInsecureLoopback: true, maxConnectionsPerOrigin: 4 });
  const keySources = createKeySources({ http, clock, log: silentLog, loadText: async () => err("file") });
  const verifiers = { jose: createJoseVerifier(), node: createNodeVerifier() };
  const facts: TrustedIssuer = {
    name: cluster,
    issuer: issuer.url,
    audience,
    algorithms: ["ES256"],
    keys: { kind: "discovery" },
    maxLifetimeSeconds: seconds(3600),
    replay: "reusable",
    types: [],
  };
  const trusted = new Map<string, TrustedIssuer>();
  return {
    issuer,
    attacker,
    clock,
    facts,
    trusted,
    keySources,
    verifiers,
    attestor: (options = {}) => {
      const own = { ...facts, ...options.facts };
      return createAttestor({
        issuerOf: (url) => (url === own.issuer ? own : trusted.get(url)),
        keySources,
        verifySignature: options.verifySignature ?? verifiers.node,
        digest: sha256,
        cacheSize: options.cacheSize ?? 0,
      });
    },
    attest: (wish = {}) => issuer.attest({ subject, audience, now: clock.now(), ...wish }),
    close: async () => {
      await http.close();
      await Promise.all([issuer.close(), attacker.close()]);
    },
  };
}

/** `accepted`, or the reason of the refusal: what rows compare. */
export const verdictOf = (result: Result<Identity, AttestationFault>): string =>
  result.ok ? "accepted" : result.fault.reason;

export const verify = async (attestor: Attestor, token: string, now: EpochMillis): Promise<string> =>
  verdictOf(await attestor.verify(new Redacted(token, "attestation"), now));
