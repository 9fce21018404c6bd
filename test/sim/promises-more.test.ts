/** The promises on the SQL engine; promises.test.ts plays the others. */
import { describePromises } from "../support/sim/describe-promises.ts";
import { createSqliteStorage } from "../support/sim/engine.ts";

describePromises({
  share: { nth: 1, of: 2 },
  engine: "SQLite",
  runs: { name: "MAYFLY_SIM_RUNS", usual: 2_000, quick: 200 },
  oldFinds: [],
  createStorage: createSqliteStorage,
});
