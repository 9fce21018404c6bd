/** The environment of a wrangler that asks nobody anything, tells nobody anything, and keeps to one folder. */
import { join } from "node:path";

/** It is a large program, started more than once. */
export const compileCache = {
  NODE_COMPILE_CACHE: join(import.meta.dirname, "../../node_modules/.cache/mayfly"),
};

/** `home` is for its logs and settings, in place of the user's own. */
export const quietWrangler = (home: string): Readonly<Record<string, string>> => ({
  ...compileCache,
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_SEND_ERROR_REPORTS: "false",
  WRANGLER_HIDE_BANNER: "true",
  // Both would keep or show to any page what only the broker's callers may see.
  X_LOCAL_EXPLORER: "false",
  X_LOCAL_OBSERVABILITY: "false",
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  CI: "1",
  HOME: home,
  XDG_CONFIG_HOME: join(home, ".config"),
});
