/** The one seed of a run: MAYFLY_SEED, or a fresh one that is printed so that the run can be repeated. */
import { env } from "node:process";

let chosen: number | undefined;

export function readSeed(): number {
  if (chosen !== undefined) return chosen;
  const text = env["MAYFLY_SEED"];
  const given = Number(text);
  chosen = text !== undefined && text !== "" && Number.isInteger(given) ? given : Math.floor(Math.random() * 2 ** 31);
  console.log(`MAYFLY_SEED=${chosen}`);
  return chosen;
}

/** A bound on random runs, from the environment: nightly runs ask for more than a quick one. */
export function readRuns(name: string, fallback: number): number {
  const given = Number(env[name]);
  return Number.isInteger(given) && given > 0 ? given : fallback;
}
