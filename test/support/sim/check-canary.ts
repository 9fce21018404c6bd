/** P7: the planted canary is in no byte at rest and in no text that leaves the broker but the credential itself. */
import type { World } from "./world.ts";
import { Violation } from "./violation.ts";

export function checkSpoken(world: World): void {
  const text = world.spoken.splice(0).join("\n") + world.journal.takeText();
  const at = text.indexOf(world.canary);
  if (at >= 0) throw new Violation("P7", "a secret was spoken", { around: text.slice(Math.max(0, at - 200), at + 40) });
}

/** Also in the encodings that a careless writer would use. */
export async function checkAtRest(world: World): Promise<void> {
  const forms = (["utf8", "base64", "hex"] as const).map((encoding) =>
    // Base64 shifts with the position: the middle of the canary is in one of three forms, so look for the plain one too.
    Buffer.from(world.canary, "utf8").toString(encoding).replace(/=+$/, "").slice(0, -1),
  );
  for (const bytes of await world.storage.bytes())
    for (const form of forms)
      if (bytes.includes(form)) throw new Violation("P7", "a secret lies in clear in the ledger's files", { form });
}
