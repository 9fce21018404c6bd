/** A policy that was deployed, or lies in a bucket that changes, fails and comes back. */
import { beforeEach, describe, expect, it } from "vitest";
import { bucketPolicy, bundledPolicy, type PolicyBucket } from "../../../src/entry/edge/policy-source.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { millis } from "../../../src/kernel/time.ts";

const pathsOf = (read: Awaited<ReturnType<ReturnType<typeof bundledPolicy>["read"]>>) =>
  read.ok ? read.value.map(({ path }) => path) : read.fault.message;

describe("a deployed policy", () => {
  const files = ["b.yaml", "a/c.yml", "keys.json", ".git/d.yaml", "..data/e.yaml"].map((path) => ({
    path,
    text: path,
  }));

  it("is its YAML files in name order, as of a folder", async () => {
    expect(pathsOf(await bundledPolicy(files).read())).toEqual(["a/c.yml", "b.yaml"]);
  });

  it("holds the key sets that issuers name", async () => {
    const { loadText } = bundledPolicy(files);
    expect(await loadText("keys.json")).toEqual({ ok: true, value: "keys.json" });
    expect(await loadText("other.json")).toEqual({ ok: false, fault: "file" });
  });

  it.each([
    ["without a file", [], "holds no .yaml file"],
    ["of too many", Array.from({ length: 501 }, (_, index) => ({ path: `${index}.yaml`, text: "" })), "more than 500"],
  ])("%s is refused", async (_, deployed, message) => {
    expect(pathsOf(await bundledPolicy(deployed).read())).toContain(message);
  });
});

describe("a policy in a bucket", () => {
  const clock = createManualClock();
  let objects: Map<string, string>;
  let isAway: boolean;
  let pageSize: number;
  let calls: string[];
  beforeEach(() => {
    objects = new Map([
      ["prod/a.yaml", "a"],
      ["prod/deep/b.yml", "b"],
      ["prod/keys.json", "{}"],
      ["test/c.yaml", "c"],
    ]);
    [isAway, pageSize, calls] = [false, 1000, []];
  });

  const bucket: PolicyBucket = {
    async list({ prefix = "", cursor = "" }) {
      calls.push("list");
      if (isAway) throw new Error("the bucket is away");
      const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > cursor).toSorted();
      const page = keys.slice(0, pageSize);
      const found = page.map((key) => ({ key, etag: `${objects.get(key)}`, size: objects.get(key)?.length ?? 0 }));
      const last = page.at(-1);
      const truncated = keys.length > page.length;
      return { objects: found, truncated, ...(truncated && last !== undefined && { cursor: last }) };
    },
    async get(key) {
      calls.push(`get ${key}`);
      const text = objects.get(key);
      return text === undefined ? null : { text: async () => text };
    },
  };

  /** Lets what was begun without being waited for come to its end. */
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  function watched() {
    let rings = 0;
    const policy = bucketPolicy(bucket, { clock, prefix: "prod/" });
    const unwatch = policy.watch(
      () => (rings += 1),
      () => [],
    );
    const touch = async () => {
      policy.touched();
      await settled();
    };
    const nextLook = async () => {
      clock.advance(millis(60_000));
      calls = [];
      await touch();
      return calls;
    };
    return { policy, unwatch, touch, nextLook, rings: () => rings };
  }

  it("is read below its prefix, page by page", async () => {
    pageSize = 1;
    expect(await bucketPolicy(bucket, { clock, prefix: "prod/" }).read()).toEqual({
      ok: true,
      value: [
        { path: "a.yaml", text: "a" },
        { path: "deep/b.yml", text: "b" },
      ],
    });
    expect(calls).toEqual(["list", "list", "list", "get prod/a.yaml", "get prod/deep/b.yml"]);
    const { loadText } = bucketPolicy(bucket, { clock, prefix: "prod/" });
    expect(await loadText("keys.json")).toEqual({ ok: true, value: "{}" });
    expect(await loadText("c.yaml")).toEqual({ ok: false, fault: "file" });
  });

  it("is looked at once a minute, by whoever comes by then, and rings when it changed", async () => {
    const { policy, touch, nextLook, rings } = watched();
    await policy.read();
    calls = [];
    await touch();
    expect(calls).toEqual([]);
    expect([await nextLook(), rings()]).toEqual([["list"], 0]);
    await touch();
    expect(calls).toEqual(["list"]);
    for (const change of [
      () => objects.set("prod/a.yaml", "changed"),
      () => objects.set("prod/new.yaml", "came"),
      () => objects.delete("prod/new.yaml"),
    ]) {
      change();
      const before = rings();
      await nextLook();
      expect(rings()).toBe(before + 1);
      await policy.read();
    }
    objects.set("prod/keys.json", "not YAML");
    objects.set("test/c.yaml", "not below the prefix");
    const before = rings();
    await nextLook();
    expect(rings()).toBe(before);
  });

  it("rings while it cannot be read, and again when it can", async () => {
    const { policy, nextLook, rings, unwatch } = watched();
    await policy.read();
    isAway = true;
    await nextLook();
    expect(rings()).toBe(1);
    expect(pathsOf(await policy.read())).toContain("cannot be read");
    isAway = false;
    await nextLook();
    expect(rings(), "a failed read is read again").toBe(2);
    expect((await policy.read()).ok).toBe(true);
    unwatch();
    objects.set("prod/a.yaml", "changed");
    expect(await nextLook()).toEqual([]);
  });

  it.each<[string, () => void, string]>([
    ["nothing", () => objects.clear(), "holds no .yaml file"],
    ["too much", () => objects.set("prod/a.yaml", "x".repeat(16 * 1024 * 1024 + 1)), "bytes"],
    [
      "more pages than a policy has",
      () => {
        pageSize = 1;
        for (let i = 0; i < 6; i += 1) objects.set(`prod/${i}.txt`, "");
      },
      "too many objects",
    ],
  ])("that holds %s is refused before anything is fetched", async (_, change, message) => {
    change();
    expect(pathsOf(await bucketPolicy(bucket, { clock, prefix: "prod/" }).read())).toContain(message);
    expect(calls.some((call) => call.startsWith("get"))).toBe(false);
  });

  it("of which only a part is listed is refused, not taken for the whole", async () => {
    const partly: PolicyBucket = {
      ...bucket,
      list: async (options) => ({ objects: (await bucket.list(options)).objects, truncated: true }),
    };
    expect(pathsOf(await bucketPolicy(partly, { clock, prefix: "prod/" }).read())).toContain("too many objects");
  });

  it("of which a file went between the list and the fetch is refused, not taken without it", async () => {
    const racing: PolicyBucket = { ...bucket, get: async (key) => (key.endsWith("b.yml") ? null : bucket.get(key)) };
    expect(pathsOf(await bucketPolicy(racing, { clock, prefix: "prod/" }).read())).toContain(
      "changed while it was read",
    );
  });
});
