/**
 * What an answer of the server means. Its own words decide only where a status is said of several things, by fixed
 * phrases; they never travel.
 */
import type { VaultAnswer } from "./client.ts";

export type Answered = Extract<VaultAnswer, { kind: "answered" }>;
export type Members = Readonly<Record<string, unknown>>;

export const isDone = (answer: VaultAnswer): answer is Answered =>
  answer.kind === "answered" && (answer.status === 200 || answer.status === 204);

/** Whether asking again can help: the server or its path is away, sealed, busy or behind (412 of replicas). */
export const isPassing = (status: number): boolean =>
  status >= 500 ||
  status === 408 ||
  status === 412 ||
  status === 425 ||
  status === 429 ||
  status === 472 ||
  status === 473;

/** The member as an object, empty where it is none. */
export function membersOf(holder: Members | null, name: string): Members {
  const value = holder?.[name];
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Members) : {};
}

export const textOf = (holder: Members, name: string): string | undefined => {
  const value = holder[name];
  return typeof value === "string" && value !== "" ? value : undefined;
};

export const numberOf = (holder: Members, name: string): number | undefined => {
  const value = holder[name];
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
};

export function textsOf(holder: Members, name: string): readonly string[] {
  const value = holder[name];
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : [];
}

/** The server's own phrases, which differ a little between OpenBao and Vault and their releases. */
const phrases = {
  no_lease: /\binvalid lease\b|\blease not found\b/i,
  sealed: /\bis sealed\b/i,
  no_accessor: /\binvalid accessor\b|\btoken not found\b|\bno token found\b/i,
  /** Of PostgreSQL 2BP01 and its like: what the credential made stands in the way. */
  owned_objects: /\b2BP01\b|objects depend on it/i,
} as const;

export const says = ({ body }: Answered, phrase: keyof typeof phrases): boolean =>
  textsOf(body ?? {}, "errors").some((text) => phrases[phrase].test(text));
