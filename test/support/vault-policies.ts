/** The policies of the provider's page, taken from it so that what it tells people is what the tests run with. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

const page = readFileSync(join(import.meta.dirname, "../../providers/vault/README.md"), "utf8");
const blocks = [...page.matchAll(/```hcl\n([\s\S]*?)```/g)].map((match) => match[1] ?? "");

const blockWith = (text: string): string => {
  const found = blocks.find((block) => block.includes(text));
  if (found === undefined) throw new Error(`the page of the vault provider shows no policy with ${text}`);
  return found;
};

/** The broker's own, with what listing needs. */
export const brokerPolicy = blockWith("auth/token/create/mayfly") + blockWith("auth/token/accessors");
export const readerPolicy = `path "secret/data/app/emea" { capabilities = ["read"] }`;
