/** A task and everything under it. */
import { integer } from "../driver.ts";
import type { View } from "../tx.ts";

/** Bound by the name `subtree` in front of a query: keys of the task and of all below it. */
export const withSubtree = `WITH RECURSIVE subtree (key) AS (
  SELECT ?1 UNION ALL SELECT task.key FROM task JOIN subtree ON task.parent_key = subtree.key)`;

export function subtreeKeys(view: View, rootKey: number): readonly number[] {
  return view.sql.all(`${withSubtree} SELECT key FROM subtree`, rootKey).map(([key]) => integer(key));
}
