/**
 * A real PostgreSQL on loopback and a free port, of the machine's newest installed version. Passwords are asked for
 * (SCRAM); nothing is written durably, because nothing outlives a test.
 */
import { spawnSync } from "node:child_process";
import { chownSync, existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { freePort, launch, makeFolder, type ChildServer } from "./child-server.ts";

export interface PostgresServer extends ChildServer {
  readonly host: "127.0.0.1";
  readonly port: number;
  readonly superuser: { readonly user: string; readonly password: string };
  /** A connection URL; the superuser's, of the database `postgres`, unless told otherwise. */
  url(wish?: { user?: string; password?: string; database?: string }): string;
}

export interface PostgresWish {
  readonly settings?: Readonly<Record<string, string>>;
  /** Speaks TLS, too, with this certificate: files of PEM. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

export async function startPostgres(wish: PostgresWish = {}): Promise<PostgresServer> {
  const binaries = postgresFolder();
  if (binaries === undefined) throw new Error("PostgreSQL is missing; run: apt-get install -y postgresql");
  const folder = makeFolder("postgres");
  const owner = serverOwner();
  if (owner !== undefined) chownSync(folder, owner.uid, owner.gid);
  const superuser = { user: "postgres", password: "superuser-password" };
  initialize({ binaries, folder, owner, superuser });
  const port = await freePort();
  const settings = {
    listen_addresses: "127.0.0.1",
    port: String(port),
    unix_socket_directories: "",
    fsync: "off",
    synchronous_commit: "off",
    full_page_writes: "off",
    shared_buffers: "16MB",
    max_connections: "100",
    ...(wish.tls === undefined ? {} : tlsSettings(wish.tls, folder, owner)),
    ...wish.settings,
  };
  const server = await launch({
    command: join(binaries, "postgres"),
    args: [
      "-D",
      join(folder, "data"),
      ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
    ],
    sign: "database system is ready to accept connections",
    folder,
    // Immediate shutdown: ends the server's own children too, which SIGKILL would leave behind.
    stopSignal: "SIGQUIT",
    env: { PATH: process.env["PATH"], LC_ALL: "C" },
    owner,
  });
  return {
    ...server,
    host: "127.0.0.1",
    port,
    superuser,
    url({ user = superuser.user, password = superuser.password, database = "postgres" } = {}) {
      const login = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
      return `postgresql://${login}@127.0.0.1:${port}/${encodeURIComponent(database)}`;
    },
  };
}

/** The server takes a key only if it is its own, and nobody else may read it. */
function tlsSettings(
  tls: NonNullable<PostgresWish["tls"]>,
  folder: string,
  owner: Owner | undefined,
): Readonly<Record<string, string>> {
  const own = (name: keyof typeof tls): string => {
    const file = join(folder, `${name}.pem`);
    writeFileSync(file, readFileSync(tls[name]), { mode: 0o600 });
    if (owner !== undefined) chownSync(file, owner.uid, owner.gid);
    return file;
  };
  return { ssl: "on", ssl_cert_file: own("cert"), ssl_key_file: own("key") };
}

function initialize(options: {
  binaries: string;
  folder: string;
  owner: Owner | undefined;
  superuser: PostgresServer["superuser"];
}): void {
  const { binaries, folder, owner, superuser } = options;
  const passwordFile = join(folder, "password");
  writeFileSync(passwordFile, superuser.password, { mode: 0o600 });
  if (owner !== undefined) chownSync(passwordFile, owner.uid, owner.gid);
  const args = ["-D", join(folder, "data"), "-U", superuser.user, "--auth=scram-sha-256", `--pwfile=${passwordFile}`];
  const made = spawnSync(join(binaries, "initdb"), [...args, "--encoding=UTF8", "--locale=C", "--no-sync"], {
    cwd: folder,
    env: { PATH: process.env["PATH"], LC_ALL: "C" },
    encoding: "utf8",
    ...owner,
  });
  if (made.status !== 0) throw new Error(`initdb failed: ${made.error?.message ?? made.stderr}`);
}

type Owner = { readonly uid: number; readonly gid: number };

/** PostgreSQL refuses to run as root: its own user does, or nobody. */
function serverOwner(): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (user: string, flag: string): number =>
    Number.parseInt(spawnSync("id", [flag, user], { encoding: "utf8" }).stdout, 10);
  const user = Number.isNaN(idOf("postgres", "-u")) ? "nobody" : "postgres";
  return { uid: idOf(user, "-u"), gid: idOf(user, "-g") };
}

/** Where `initdb` and `postgres` are: Debian keeps them out of PATH, one folder a version. */
export function postgresFolder(): string | undefined {
  const byVersion = (left: string, right: string): number => versionOf(right) - versionOf(left);
  const debian = globSync("/usr/lib/postgresql/*/bin").toSorted(byVersion);
  const others = (process.env["PATH"] ?? "").split(delimiter).filter(Boolean);
  return [...debian, ...others].find((path) => ["initdb", "postgres"].every((name) => existsSync(join(path, name))));
}

const versionOf = (path: string): number => Number(/postgresql\/(\d+)/.exec(path)?.[1] ?? 0);
