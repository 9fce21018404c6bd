/** What the use cases are made of. Only entry fills this in; each use case takes the members that it names. */
import type { AgentProfile, BoundPolicy } from "../policy/resources.ts";
import type { Attestor } from "../ports/attestor.ts";
import type { Ledger } from "../ports/ledger.ts";
import type { CouldLose } from "../ports/ledger-views.ts";
import type { Log } from "../ports/log.ts";
import type { Metrics } from "../ports/metrics.ts";
import type { Sealer } from "../ports/sealer.ts";
import type { TokenSigner } from "../ports/token-signer.ts";
import type { Workforce } from "../ports/workforce.ts";
import type { Identity } from "../domain/identity.ts";
import type { ProviderName } from "../domain/names.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Sha256 } from "../kernel/digest.ts";
import type { Entropy } from "../kernel/entropy.ts";
import type { IdFactory, RequestId } from "../kernel/ids.ts";
import type { ChangeHub } from "./change-hub.ts";
import type { InFlight } from "./in-flight.ts";
import type { DriftWatch } from "./drift/drift-watch.ts";
import type { RefusalNotes } from "./note-refusal.ts";
import type { ProviderFacade } from "./provider-facade.ts";

export interface BrokerParts {
  readonly issuerUrl: string;
  readonly ledger: Ledger;
  /** Left out: wake-ups wait in no queue. */
  readonly depths?: Workforce["depths"];
  /** Said in every report. Left out: nothing that was answered. */
  readonly couldLose?: CouldLose;
  readonly attestor: Attestor;
  /** The last good policy; read once a request, so that a reload never changes one half-way. */
  readonly policy: () => BoundPolicy;
  readonly providers: ProviderFacade;
  /** Left out: never. Nothing is minted there until a restore was followed up. */
  readonly isHeld?: (provider: ProviderName) => boolean;
  /** Left out: never. Its kill could be seen to work, and never was; answers without reading. */
  readonly isKillUnseen?: (provider: ProviderName) => boolean;
  /** Left out where providers are not looked into. */
  readonly drift?: Pick<DriftWatch, "compare">;
  readonly sealer: Sealer;
  readonly signer: TokenSigner;
  readonly ids: IdFactory;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly sha256: Sha256;
  readonly changes: ChangeHub;
  readonly refusals: RefusalNotes;
  /** What a stop waits for. */
  readonly inFlight: InFlight;
  /** Resolves when the requests that have come in by now are all at the same step. */
  readonly nextTurn: () => Promise<void>;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Who is asking, proven and registered. */
export interface Caller {
  readonly identity: Identity;
  readonly profile: AgentProfile;
  readonly requestId: RequestId;
}
