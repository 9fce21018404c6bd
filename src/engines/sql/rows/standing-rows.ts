/**
 * The names that a lease stands under, kept once for all leases that share them: a live lease costs one small number
 * for nine texts. Rows are never removed; there are as many as configuration has combinations.
 */
import { doorKeysOf } from "../../../domain/scope.ts";
import type { Lease } from "../../../domain/lease.ts";
import type { AgentName, IssuerName, TargetName } from "../../../domain/names.ts";
import type { Task } from "../../../domain/task.ts";
import { integer, text, type SqlRow } from "../driver.ts";
import type { View } from "../tx.ts";
import { internTarget } from "./target-rows.ts";

export type StandingNames = Pick<
  Lease,
  "agent" | "issuer" | "template" | "provider" | "target" | "providerDigest" | "nativeExpiry"
>;

export interface Standing extends StandingNames {
  readonly key: number;
  readonly targetKey: number;
  /** The doors of the lease's own names and of its task. */
  readonly doorKeys: readonly string[];
}

interface TaskNames {
  readonly agent: AgentName;
  readonly issuer: IssuerName;
}

export const taskNames = (task: Task): TaskNames => ({ agent: task.agent, issuer: task.opener.issuer });

const columns =
  "key, agent, issuer, template, provider, target, provider_digest, native_expiry, task_agent, task_issuer";

export function internStanding(view: View, names: StandingNames, task: TaskNames): Standing {
  const { agent, issuer, template, provider, target, providerDigest, nativeExpiry } = names;
  const values = [agent, issuer, template, provider, target, providerDigest, nativeExpiry, task.agent, task.issuer];
  const cacheKey = values.join("\n");
  const cached = view.cache.standingKeys.get(cacheKey);
  if (cached !== undefined) return cached;
  const find = `SELECT ${columns} FROM standing WHERE agent = ? AND issuer = ? AND template = ? AND provider = ?
    AND target = ? AND provider_digest = ? AND native_expiry = ? AND task_agent = ? AND task_issuer = ?`;
  let row = view.sql.get(find, ...values);
  if (row === undefined) {
    view.sql.run(
      `INSERT INTO standing (agent, issuer, template, provider, target, provider_digest, native_expiry, task_agent,
        task_issuer) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...values,
    );
    row = view.sql.get(find, ...values);
  }
  if (row === undefined) throw new Error("a standing that was just written is missing");
  const standing = standingFromRow(view, row);
  view.cache.standingKeys.set(cacheKey, standing);
  return standing;
}

export function standingOfKey(view: View, key: number): Standing {
  const cached = view.cache.standings.get(key);
  if (cached !== undefined) return cached;
  const row = view.sql.get(`SELECT ${columns} FROM standing WHERE key = ?`, key);
  if (row === undefined) throw new Error("a lease names a standing that is missing");
  const standing = standingFromRow(view, row);
  view.cache.standings.set(key, standing);
  return standing;
}

/** The parts of a row are texts that this engine wrote from branded names; they are trusted back as such. */
function standingFromRow(view: View, row: SqlRow): Standing {
  const [key, agent, issuer, template, provider, target, digest, nativeExpiry, taskAgent, taskIssuer] = row;
  const names = {
    agent: text(agent) as AgentName,
    issuer: text(issuer) as IssuerName,
    template: text(template) as Lease["template"],
    provider: text(provider) as Lease["provider"],
    target: text(target) as TargetName,
    providerDigest: text(digest),
    nativeExpiry: text(nativeExpiry) as Lease["nativeExpiry"],
  };
  const task = { agent: text(taskAgent) as AgentName, issuer: text(taskIssuer) as IssuerName };
  return {
    ...names,
    key: integer(key),
    targetKey: internTarget(view, names.target, names.provider).key,
    doorKeys: [...new Set([...doorKeysOf(names), ...doorKeysOf(task)])],
  };
}

/** Keys of all standings behind a door, however many leases share each. */
export function standingsBehind(view: View, doorKey: string): ReadonlySet<number> {
  const rows = view.sql.all(`SELECT ${columns} FROM standing`);
  const behind = rows.map((row) => standingFromRow(view, row)).filter(({ doorKeys }) => doorKeys.includes(doorKey));
  return new Set(behind.map(({ key }) => key));
}
