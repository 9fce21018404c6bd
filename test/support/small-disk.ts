/** A real file system that fills up: a tmpfs of a few MiB, which only root may mount. */
import { spawnSync } from "node:child_process";
import { rmSync, statfsSync, truncateSync, writeFileSync, appendFileSync } from "node:fs";
import { join } from "node:path";
import { makeTemporaryFolder } from "./sqlite-harness.ts";

export interface SmallDisk {
  readonly folder: string;
  /** Takes all the room that is left. */
  fill(): void;
  /** Gives back what `fill` took. */
  clear(): void;
  unmount(): void;
}

/** Undefined where this machine does not let us mount one. */
export function mountSmallDisk(megabytes: number): SmallDisk | undefined {
  const folder = makeTemporaryFolder();
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", folder]);
  if (mounted.status !== 0) {
    rmSync(folder, { recursive: true });
    return undefined;
  }
  const filler = join(folder, "filler");
  return {
    folder,
    fill() {
      const { bavail, bsize } = statfsSync(folder);
      writeFileSync(filler, new Uint8Array(0));
      for (let block = 0; block < bavail + 1; block += 1) {
        try {
          appendFileSync(filler, new Uint8Array(bsize));
        } catch {
          return;
        }
      }
    },
    clear: () => truncateSync(filler, 0),
    unmount() {
      const unmounted = spawnSync("umount", [folder]);
      if (unmounted.status !== 0) throw new Error(`cannot unmount ${folder}: ${unmounted.stderr.toString()}`);
      rmSync(folder, { recursive: true });
    },
  };
}
