/** What a reader gets to see: the sums of all runs, or the trace of the one that failed. */
import type { RunFigures } from "./run.ts";
import type { Plan } from "./steps.ts";

export function tellFigures(figures: readonly RunFigures[]): void {
  const sum = (name: keyof RunFigures): number => figures.reduce((total, run) => total + run[name], 0);
  const days = Math.round(sum("simulatedMillis") / 86_400_000);
  console.log(
    [
      `${figures.length} runs, ${sum("steps")} steps, ${days} simulated days`,
      `${sum("crashes")} crashes, ${sum("faults")} injected faults`,
      `${sum("intents")} intents, ${sum("minted")} credentials at systems, ${sum("delivered")} delivered`,
      `${sum("dead")} leases ended, ${sum("minted")} credentials dead at the end, 0 leaks`,
    ].join("\n"),
  );
}

export function tellPlan({ climate, steps }: Plan): string {
  const lines = steps.map((step, index) => `  ${String(index + 1).padStart(2)} ${JSON.stringify(step)}`);
  return [`climate ${JSON.stringify(climate)}`, ...lines].join("\n");
}
