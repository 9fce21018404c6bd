/** The OpenAPI documents: valid by an outside validator, complete, and true to the tables that serve. */
import { Validator } from "@seriousme/openapi-schema-validator";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { adminEndpoints } from "../../src/http/admin-app.ts";
import { publicEndpoints } from "../../src/http/public-app.ts";
import { silentLog } from "../support/silent.ts";
import { createWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

const listeners = ["public", "admin"] as const;

async function documentOf(listener: (typeof listeners)[number]) {
  const response = await world[listener].request("/openapi.json");
  return (await response.json()) as Record<string, Record<string, Record<string, unknown>>>;
}

describe.each(listeners)("OpenAPI of the %s listener", (listener) => {
  it("is valid OpenAPI 3.1", async () => {
    const result = await new Validator().validate(await documentOf(listener));
    expect(result.errors ?? []).toEqual([]);
    expect(result.valid).toBe(true);
  });

  it("describes each endpoint that is served, and no other", async () => {
    const { broker } = world;
    const endpoints =
      listener === "public"
        ? publicEndpoints({ broker, log: silentLog })
        : adminEndpoints({ broker, renderMetrics: async () => "" });
    const served = endpoints.map(({ method, path }) => `${method} ${path}`).toSorted();
    const { paths = {} } = await documentOf(listener);
    const described = Object.entries(paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method} ${path}`),
    );
    expect(described.toSorted()).toEqual(served);
    const operations = endpoints.map(({ operation }) => operation);
    expect(new Set(operations).size).toBe(operations.length);
  });

  it("holds no schema that nothing refers to", async () => {
    const document = await documentOf(listener);
    const text = JSON.stringify(document);
    const unused = Object.keys(document["components"]?.["schemas"] ?? {}).filter(
      (id) => !text.includes(`"#/components/schemas/${id}"`),
    );
    expect(unused).toEqual([]);
  });

  it("an invalid document is noticed", async () => {
    const document = await documentOf(listener);
    const broken = { ...document, paths: { nope: document["paths"] } };
    expect((await new Validator().validate(broken)).valid).toBe(false);
  });
});
