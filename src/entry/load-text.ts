/** A file that configuration names, as text. */
import { readFile } from "node:fs/promises";
import type { LoadText } from "../attest/key-location.ts";
import { err, ok } from "../kernel/result.ts";

export const loadText: LoadText = async (path) => {
  try {
    return ok(await readFile(path, "utf8"));
  } catch {
    return err("file");
  }
};
