/**
 * `wrangler.toml` as a configuration for this machine, in a folder of its own: the same Worker without what is of an
 * account, with a policy that goes into a file of that folder, so that a real deployment never finds it.
 */
import { execFile } from "node:child_process";
import { join, relative, resolve } from "node:path";
import { promisify } from "node:util";
import { compileCache } from "./quiet-wrangler.ts";

const root = join(import.meta.dirname, "../..");

export interface LocalPlace {
  /** Where the configuration is written to, and what it leaves. */
  readonly dir: string;
  readonly policy: string;
}

/** Of `wrangler.toml`, what is changed here. */
interface DeployedConfig {
  readonly main: string;
  readonly alias?: Readonly<Record<string, string>>;
  readonly build: object;
  readonly vars: object;
  readonly r2_buckets?: readonly { readonly binding: string }[];
}

export async function localConfig({
  dir,
  policy,
  vars = {},
}: LocalPlace & { readonly vars?: Readonly<Record<string, string>> }): Promise<object> {
  const deployed = await readDeployed();
  const aliases = Object.entries(deployed.alias ?? {}).map(([name, path]) => [name, resolve(root, path)]);
  return {
    ...deployed,
    env: undefined,
    route: undefined,
    routes: undefined,
    main: resolve(root, deployed.main),
    alias: { ...Object.fromEntries(aliases), "#policy": bundledIn(dir) },
    build: {
      ...deployed.build,
      cwd: root,
      // Taken relative to the configuration, whatever they begin with.
      watch_dir: [policy, join(root, "src"), join(root, "providers")].map((path) => relative(dir, path)),
    },
    r2_buckets: (deployed.r2_buckets ?? []).filter(({ binding }) => binding !== "POLICY"),
    vars: { ...deployed.vars, ...vars },
  };
}

/** By wrangler itself, in a process of its own: as soon as it is imported it starts others. */
async function readDeployed(): Promise<DeployedConfig> {
  const program = `import { experimental_readRawConfig as read } from "wrangler";
    process.stdout.write(JSON.stringify(read({ config: "wrangler.toml" }).rawConfig));
    process.exit();`;
  const args = ["--input-type=module", "--eval", program];
  const env = { ...process.env, ...compileCache };
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root, env });
  return JSON.parse(stdout) as DeployedConfig;
}

/** The environment of its build. */
export const policyBuild = ({ dir, policy }: LocalPlace): Readonly<Record<string, string>> => ({
  MAYFLY_POLICY: policy,
  MAYFLY_POLICY_BUNDLE: bundledIn(dir),
});

const bundledIn = (dir: string): string => join(dir, "policy.json");
