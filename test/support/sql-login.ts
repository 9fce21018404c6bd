/** Uses a database login as an agent would: with PostgreSQL's own client program. */
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import type { PostgresServer } from "../../scripts/servers/postgres.ts";

export interface SqlLogin {
  readonly user: string;
  readonly password: string;
}

/** What the statement answers, one row a line; undefined where the login or the statement is refused. */
export async function runSql(
  server: PostgresServer,
  sql: string,
  login: Partial<SqlLogin> = {},
): Promise<string | undefined> {
  const child = spawn("psql", [server.url(login), "--no-psqlrc", "-qAtc", sql], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const said = await text(child.stdout);
  return (await ended) === 0 ? said.trim() : undefined;
}
