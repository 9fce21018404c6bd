/** The promises on the SQL engine. */
import { describePromises } from "../support/sim/describe-promises.ts";
import { createSqliteStorage } from "../support/sim/engine.ts";

describePromises({
  engine: "SQLite",
  runs: { name: "MAYFLY_SIM_RUNS", usual: 2_000, quick: 200 },
  oldFinds: [910_289, 1_561_435_501, 1_964_286_225, 2_037_479_633],
  createStorage: createSqliteStorage,
});
