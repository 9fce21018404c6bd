/**
 * An operator has mended what a provider refused: its kills are tried now instead of at the slow pace of stuck ones.
 * Nothing else of them changes, and nothing that still may be used is ended by it.
 */
import type { Lease } from "../../domain/lease.ts";
import { isDying } from "../../domain/lease-transition.ts";
import type { TargetName } from "../../domain/names.ts";
import type { LeaseId } from "../../kernel/ids.ts";
import { maxPageSize } from "../../kernel/limits.ts";
import { err, ok, type Result } from "../../kernel/result.ts";
import { millis } from "../../kernel/time.ts";
import type { TargetState } from "../../ports/ledger-views.ts";
import { storeFault } from "../answer-faults.ts";
import { isOperator } from "../callers/may.ts";
import { causeOf } from "../cause.ts";
import type { Fault } from "../fault.ts";
import type { BrokerParts, Caller } from "../parts.ts";
import { findTarget } from "./observe.ts";

type Parts = Pick<BrokerParts, "ledger">;
const notFound: Fault = { code: "not_found" };

export type RetryScope =
  | { readonly kind: "lease"; readonly id: LeaseId }
  | { readonly kind: "target"; readonly name: TargetName }
  | { readonly kind: "all" };

export interface Retried {
  readonly retried: number;
  /** Where the next page of stuck leases begins; null at their end. */
  readonly next: LeaseId | null;
}

/** One lease, or a page of the stuck ones. */
export async function retryStuck(
  parts: Parts,
  caller: Caller,
  request: { scope: RetryScope; after: LeaseId | null },
): Promise<Result<Retried, Fault>> {
  if (!isOperator(caller, "kill")) return err(notFound);
  const { scope, after } = request;
  if (scope.kind === "lease") {
    const view = await parts.ledger.readLease(scope.id);
    return view === undefined ? err(notFound) : retryAll(parts, caller, [view.lease], null);
  }
  if (scope.kind === "target" && (await findTarget(parts, scope.name)) === undefined) return err(notFound);
  const page = await parts.ledger.listStuck({ after, limit: maxPageSize });
  const next = page.length === maxPageSize ? (page.at(-1)?.id ?? null) : null;
  const wanted = page.filter((lease) => scope.kind === "all" || lease.target === scope.name);
  return retryAll(parts, caller, wanted, next);
}

async function retryAll(
  parts: Parts,
  caller: Caller,
  leases: readonly Lease[],
  next: LeaseId | null,
): Promise<Result<Retried, Fault>> {
  const cause = causeOf(caller);
  const orders = leases.flatMap(({ id: leaseId, state }) =>
    // One that is not dying would be ended by the order; it stays what it dies of.
    isDying(state) ? [{ leaseId, killCause: state.cause, delay: millis(0), endsBackoff: true, cause }] : [],
  );
  const answers = await Promise.all(orders.map((order) => parts.ledger.makeDue(order)));
  if (answers.some((answer) => answer.kind === "unknown")) return err(storeFault);
  return ok({ retried: answers.filter((answer) => answer.kind === "ok").length, next });
}

/** Closes the breaker and ends the backoff of what waits there. A pause stays: it is another person's word. */
export async function retryTarget(
  parts: Parts,
  caller: Caller,
  target: TargetName,
): Promise<Result<TargetState, Fault>> {
  if (!isOperator(caller, "kill")) return err(notFound);
  if ((await findTarget(parts, target)) === undefined) return err(notFound);
  const answer = await parts.ledger.setTarget({
    target,
    breaker: { kind: "closed" },
    paused: null,
    resetBackoff: true,
    cause: causeOf(caller),
  });
  return answer.kind === "ok" ? ok(answer.value) : err(storeFault);
}
