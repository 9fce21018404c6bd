/** Counts and times for operators. Labels are closed sets only: never a task, an agent or a user. */
export interface Metrics {
  count(name: string, labels?: Labels, by?: number): void;
  gauge(name: string, value: number, labels?: Labels): void;
  observeSeconds(name: string, value: number, labels?: Labels): void;
}

export type Labels = Readonly<Record<string, string>>;
