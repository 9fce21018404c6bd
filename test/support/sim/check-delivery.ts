/** What must hold at the instant at which an agent receives a credential. */
import { credentialClasses, longestLifeSeconds } from "./classes.ts";
import type { Delivery, World } from "./world.ts";
import { Violation } from "./violation.ts";

/** Latency, rounding and a wall clock that is off by less than anybody notices. */
const toleranceMillis = 125_000;

export function checkDelivery(world: World, delivery: Delivery): void {
  const { deliveries, cloud, climate, time } = world;
  const { key, leaseId } = delivery;
  const twice = deliveries.find((other) => other.leaseId === leaseId || (key !== null && other.key === key));
  if (twice !== undefined) throw new Violation("idempotency", "two deliveries for one key", { twice, delivery });
  if (!delivery.value.reveal().includes(world.canary)) throw new Violation("P7", "the canary did not reach the agent");
  const credential = cloud.byLease(leaseId);
  if (credential === undefined) return;
  const { generous, kind, expiresAt } = credential;
  const dies = credentialClasses[kind].revocation.kind === "immediate";
  if (generous === "wider" || (generous === "longer" && !dies))
    throw new Violation("P8", "delivered more than was asked", { delivery, credential });
  // Beyond its bound a credential may only live where our kill ends it at the bound.
  const left = (expiresAt ?? 0) - climate.skew - time.physical();
  const told = Math.min(longestLifeSeconds, delivery.expiresInSeconds) * 1000;
  if (generous === "no" && left > told + toleranceMillis + delivery.steppedMillis)
    throw new Violation("P8", "delivered what lives longer than policy allows", { delivery, credential, left });
}
