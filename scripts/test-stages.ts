/** The stages of `npm test`, in their order, and which files each runs. */
export interface Stage {
  name: string;
  about: string;
  /** Check stages run these commands and hold no counted tests; the others run vitest over a folder. */
  commands?: readonly (readonly string[])[];
  folder?: string;
  /** What the tests are told to put the ledger on; without that server the whole stage is left out. */
  ledger?: "redis" | "durable-object" | "redis-gateway";
  /** Of the folder, only these. */
  files?: readonly string[];
  /**
   * Folders whose files run in the same processes, so that modules are read once: reading them anew for each file was half
   * of their time. Nothing that they import may keep state in a module, or end with the file that imported it first.
   */
  shared?: readonly string[];
  /** Files at a time, where they wait more than they work; otherwise as many as vitest.config.ts says. */
  workers?: number;
}

/** What a client sees of the broker and of what is reached over HTTP; the others are about a process, a disk or a folder. */
const workerFlows = [
  "canary",
  "caller-matrix",
  "discovery",
  "idempotency",
  "in-flight",
  "key-rings",
  "kill",
  "metrics",
  "neighbours",
  "outage",
  "provider-oauth",
  "provider-oauth-glewlwyd",
  "provider-openbao",
  "provider-rgw",
  "races",
  "task-life",
  "task-tree",
  "token-attacks",
  "undelivered",
];
export const stages: readonly Stage[] = [
  { name: "types", about: "the TypeScript compiler", commands: [["tsc"]] },
  {
    name: "lint",
    about: "oxlint and oxfmt",
    commands: [
      ["oxlint", "--type-aware", "--deny-warnings"],
      ["oxfmt", "--check"],
    ],
  },
  { name: "arch", about: "rules on imports, sizes and words", folder: "test/arch" },
  {
    name: "units",
    about: "every test outside the other folders",
    folder: "test",
    shared: [
      "attest",
      "broker",
      "domain",
      "engines/node-sqlite",
      "engines/sql",
      "entry",
      "http",
      "kernel",
      "keys",
      "policy",
      "providers",
    ],
  },
  { name: "kit", about: "conformance of every adapter of a port", folder: "test/kit" },
  { name: "flow", about: "the whole broker over HTTP", folder: "test/flow", workers: 3 },
  { name: "flow-redis", about: "the same on a Redis ledger", folder: "test/flow", ledger: "redis", workers: 3 },
  {
    name: "flow-workers",
    about: "the same in the Workers runtime, on Durable Objects",
    folder: "test/flow",
    ledger: "durable-object",
    workers: 3,
    files: workerFlows.map((flow) => `${flow}.test.ts`),
  },
  {
    name: "flow-gateway",
    about: "its races and attacks on Workers that share a Redis with a node",
    folder: "test/flow",
    ledger: "redis-gateway",
    workers: 3,
    files: ["kill.test.ts", "races.test.ts", "token-attacks.test.ts"],
  },
  {
    name: "workers",
    about: "what is special about that runtime, and the kit in it",
    folder: "test/workers",
    workers: 3,
  },
  { name: "crash", about: "SIGKILL at every step, then restart", folder: "test/crash" },
  { name: "crash-redis", about: "the same on a Redis ledger", folder: "test/crash", ledger: "redis" },
  { name: "chaos", about: "nodes, Redis servers and queues that die under load", folder: "test/chaos", workers: 3 },
  { name: "sim", about: "seeded random runs over virtual time", folder: "test/sim" },
];
