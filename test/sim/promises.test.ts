/** The promises on the SQL engine; promises-more.test.ts plays every other run. */
import { describePromises } from "../support/sim/describe-promises.ts";
import { createSqliteStorage } from "../support/sim/engine.ts";

describePromises({
  share: { nth: 0, of: 2 },
  engine: "SQLite",
  runs: { name: "MAYFLY_SIM_RUNS", usual: 2_000, quick: 200 },
  oldFinds: [910_289, 1_561_435_501, 1_964_286_225, 2_037_479_633],
  createStorage: createSqliteStorage,
});
