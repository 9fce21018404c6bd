/** Every property test of a run draws from the one printed seed, so a failure can be repeated. */
import fc from "fast-check";

const seed = Number(process.env["MAYFLY_SEED"]);
if (process.env["MAYFLY_SEED"] && Number.isInteger(seed)) fc.configureGlobal({ seed });
