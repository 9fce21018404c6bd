/** What is wrong with a key ring, and where. Written for the person who edits it; never holds a piece of a key. */
export interface KeyRingFault {
  /** Path inside the JSON, dots between members; empty for the whole. */
  readonly path: string;
  readonly message: string;
}
