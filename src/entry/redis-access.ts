/** What a connection to the Redis ledger needs beside its URL: passwords and the CA, from environment and files. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { RedisPlace } from "../engines/redis/connection/ledger-url.ts";
import type { Access } from "../engines/redis/connection/node-client.ts";
import { Redacted } from "../kernel/redacted.ts";
import { err, ok, type Result } from "../kernel/result.ts";
import type { ConfigFault, Environment } from "./config.ts";

const ledgerPassword = "MAYFLY_LEDGER_PASSWORD";
const sentinelPassword = "MAYFLY_SENTINEL_PASSWORD";

export async function readAccess(place: RedisPlace, env: Environment): Promise<Result<Access, ConfigFault>> {
  const password =
    place.password === null ? await readSecret(ledgerPassword, env, place.passwordFile) : ok(place.password);
  if (!password.ok) return password;
  const forSentinels = await readSecret(sentinelPassword, env, null);
  if (!forSentinels.ok) return forSentinels;
  const { user } = place;
  if (user !== null && password.value === null)
    return err({
      setting: "--ledger",
      message: `names the user ${user} without a password`,
      fix: `set ${ledgerPassword} or ${ledgerPassword}_FILE, or add ?password_file=`,
    });
  const tls = await readTls(place);
  if (!tls.ok) return tls;
  return ok({ user, password: password.value, sentinelPassword: forSentinels.value, tls: tls.value });
}

async function readSecret(
  name: string,
  env: Environment,
  fileOfUrl: string | null,
): Promise<Result<Redacted | null, ConfigFault>> {
  const inline = env[name];
  const file = fileOfUrl ?? env[`${name}_FILE`] ?? "";
  if (file === "") return ok(inline === undefined || inline === "" ? null : new Redacted(inline, name));
  const text = await readText(file);
  if (text !== null && text.trim() !== "") return ok(new Redacted(text.replace(/\r?\n$/, ""), name));
  const setting = fileOfUrl === null ? `${name}_FILE` : "--ledger";
  return err({
    setting,
    message: `names a password file ${file} that ${text === null ? "cannot be read" : "is empty"}`,
    fix: "check the path and that this user may read it",
  });
}

async function readTls({ tls }: RedisPlace): Promise<Result<Access["tls"], ConfigFault>> {
  if (tls === null) return ok(null);
  if (tls.caFile === null) return ok({ ca: null });
  const ca = await readText(tls.caFile);
  if (ca?.includes("-----BEGIN CERTIFICATE-----") === true) return ok({ ca });
  return err({
    setting: "--ledger",
    message: `names a CA file ${tls.caFile} that ${ca === null ? "cannot be read" : "holds no certificate"}`,
    fix: "name a PEM file with the CA's certificate",
  });
}

async function readText(file: string): Promise<string | null> {
  try {
    return await readFile(resolve(file), "utf8");
  } catch {
    return null;
  }
}
