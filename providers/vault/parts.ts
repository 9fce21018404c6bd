/** What the verbs of this provider work with. */
import type { EpochMillis } from "../../src/kernel/time.ts";
import type { AskAsBroker } from "./broker-call.ts";
import type { VaultClient } from "./client.ts";
import type { VaultOptions } from "./options.ts";
import type { StraySearch } from "./find-strays.ts";

export interface VaultParts {
  readonly options: VaultOptions;
  /** Requests with tokens that are not the broker's. */
  readonly client: VaultClient;
  readonly asBroker: AskAsBroker;
  readonly strays: StraySearch;
  readonly now: () => EpochMillis;
}
