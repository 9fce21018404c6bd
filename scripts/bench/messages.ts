/** What parent and actors say to each other. */
export interface ActorRequest {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

export type ActorAnswer =
  | { readonly kind: "ready" }
  | { readonly kind: "done"; readonly id: number; readonly value: unknown }
  | { readonly kind: "failed"; readonly id: number; readonly error: string }
  | { readonly kind: "event"; readonly name: string; readonly value: unknown };

export const isMessage = (value: unknown): value is ActorRequest =>
  typeof value === "object" && value !== null && "id" in value && "name" in value;
