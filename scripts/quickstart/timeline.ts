/** What happened when, told as it happens, and as one JSON document at the end. */
export interface Timeline {
  /** Runs a step and tells it. A step that throws is told as failed, and the value is undefined. */
  step<T>(name: string, run: () => Promise<T>, describe?: (value: T) => string): Promise<T | undefined>;
  /** A figure of its own, measured inside a step. */
  measure(name: string, millis: number): void;
  say(text: string): void;
  /** Prints the end; the exit code. */
  finish(addresses: Readonly<Record<string, string>>): number;
}

interface Entry {
  readonly step: string;
  readonly observed: boolean;
  readonly millis: number;
  readonly detail: string;
}

export function createTimeline(options: { json: boolean }): Timeline {
  const entries: Entry[] = [];
  const figures: Record<string, number> = {};
  const say = (text: string): void => {
    (options.json ? process.stderr : process.stdout).write(`${text}\n`);
  };
  return {
    say,
    async step(name, run, describe = () => "") {
      const startedAt = performance.now();
      try {
        const value = await run();
        tell({ step: name, observed: true, millis: performance.now() - startedAt, detail: describe(value) });
        return value;
      } catch (fault) {
        const detail = fault instanceof Error ? fault.message : String(fault);
        tell({ step: name, observed: false, millis: performance.now() - startedAt, detail });
        return undefined;
      }
    },
    measure(name, millis) {
      figures[name] = Number(millis.toFixed(1));
    },
    finish(addresses) {
      const observed = entries.every((entry) => entry.observed);
      const told = Object.entries(figures).map(([name, millis]) => `${name}: ${millis} ms`);
      say(`\n${observed ? "Every step was observed." : "NOT every step was observed."}  ${told.join("   ")}`);
      const document = { observed, measured_ms: figures, timeline: entries, ...addresses };
      if (options.json) process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
      return observed ? 0 : 1;
    },
  };

  function tell(entry: Entry): void {
    entries.push({ ...entry, millis: Number(entry.millis.toFixed(1)) });
    const mark = entry.observed ? "ok  " : "FAIL";
    const detail = entry.detail === "" ? "" : `\n${" ".repeat(18)}${entry.detail}`;
    say(`${mark} ${entry.millis.toFixed(1).padStart(9)} ms  ${entry.step}${detail}`);
  }
}
