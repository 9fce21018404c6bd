/** Options of providers that name plain http. A broker in production calls https only, and says so only when it calls. */
import { faultAt, type PolicyFault } from "../policy/parse/fault.ts";
import type { PolicySet } from "../policy/resources.ts";

export function plainHttpFaults(policy: PolicySet): readonly PolicyFault[] {
  return [...policy.providers.values()].flatMap(({ name, options }) => {
    const origin = policy.origins.get(`Provider/${name}`);
    const plain = Object.entries(options).filter(([, value]) => typeof value === "string" && /^http:/i.test(value));
    return plain.flatMap(([member]) =>
      origin === undefined
        ? []
        : faultAt(origin, {
            path: ["spec", member],
            message: "is plain http, which a broker in production never calls",
            fix: "write https; plain http is for --development, on loopback",
          }),
    );
  });
}
