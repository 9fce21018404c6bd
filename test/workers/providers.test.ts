/** A policy that names what does not work at the edge is refused when it is loaded, and the log says why. */
import { describe, expect, it } from "vitest";
import { startEdgeWorld } from "../support/flow/edge-world.ts";
import { policyResources } from "../support/flow/policy.ts";

const postgres = {
  apiVersion: "mayfly.dev/v1",
  kind: "Provider",
  metadata: { name: "database" },
  spec: { type: "postgres", connection: { host: "127.0.0.1" } },
};

describe("a provider type that needs TCP", () => {
  it("keeps the broker from answering, with the reason in its log", async () => {
    const world = await startEdgeWorld({ resources: ({ places }) => [...policyResources(places), postgres] });
    try {
      const answer = await world.send("POST", "/tasks", { as: "planner", json: {} });
      expect([answer.status, answer.body]).toEqual([503, { error: "temporarily_unavailable" }]);
      expect(world.broker.text()).toMatch(/"broker_not_composed".*spec\.type: needs a TCP connection/);
    } finally {
      await world.close();
    }
  });
});
