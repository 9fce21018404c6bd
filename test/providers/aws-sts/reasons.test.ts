/** The provider's page says of each reason what it means: operators see the word and nothing else. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { awsCodes } from "../../../providers/aws-sts/aws-fault.ts";

const folder = join(import.meta.dirname, "../../../providers/aws-sts");
const sources = globSync("*.ts", { cwd: folder }).map((file) => readFileSync(join(folder, file), "utf8"));
/** Of a probe that could not be asked: told to nobody. */
const untold = new Set(["no_secret"]);
const own = sources
  .flatMap((source) => [...source.matchAll(/(?:reason: |failedWith\()"([a-z_]+)"/g)])
  .flatMap(([, word = ""]) => (untold.has(word) ? [] : [word]));
const page = readFileSync(join(folder, "README.md"), "utf8");

describe("aws-sts reasons", () => {
  it.each([...new Set([...own, ...awsCodes])].map((word) => [word]))("%s is on the page", (word) => {
    expect(page).toMatch(new RegExp(`^\\|[^|]*\`${word}\`[^|]*\\|`, "m"));
  });

  it("are found where they are made", () => {
    expect(own).toEqual(
      expect.arrayContaining(["deny_policy_full", "not_read_back", "role_is_cut_off", "handle_unreadable"]),
    );
  });
});
