/** Which sealing keys the living credentials of a store need. Writes nothing. */
import type { Result } from "../../kernel/result.ts";
import type { OpenFault } from "./connection/open-fault.ts";
import { sealedKeyIds } from "./verbs/lists.ts";
import { visitStore, type Visit } from "./visit-store.ts";

/** Null where there is no store yet. */
export const readSealKeys = (visit: Visit): Promise<Result<readonly string[] | null, OpenFault>> =>
  visitStore(visit, sealedKeyIds);
