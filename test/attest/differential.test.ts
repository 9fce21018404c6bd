/**
 * Two judges that no one here wrote: whatever the attestor accepts, jose accepts too, and the native signature check
 * gives jose's verdict on every signature, spoiled in any way.
 */
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from "jose";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createJoseVerifier } from "../../src/attest/verify-signature.ts";
import { createNodeVerifier } from "../../src/entry/node-signature.ts";
import { addMillis } from "../../src/kernel/time.ts";
import { corpus, type Row } from "./corpus.ts";
import { prepareCorpus, type CorpusTools } from "./corpus-tools.ts";
import { describeSignatures } from "./describe-signatures.ts";
import { audience, createWorld, verify, type World } from "./world.ts";

let world: World;
let tools: CorpusTools;

beforeAll(async () => {
  world = await createWorld();
  tools = prepareCorpus(world);
});
afterAll(() => world.close());

const fromOtherIssuer = (row: Row): boolean => row.name === "iss: of another trusted issuer, its own key";

async function acceptedByJose(row: Row, token: string): Promise<boolean> {
  const published = fromOtherIssuer(row) ? world.attacker.keySet() : world.issuer.keySet();
  try {
    await jwtVerify(token, createLocalJWKSet(published as unknown as JSONWebKeySet), {
      issuer: fromOtherIssuer(row) ? tools.otherIssuer.url : world.issuer.url,
      audience,
      algorithms: [...(row.facts?.algorithms ?? world.facts.algorithms)],
      clockTolerance: 30,
      currentDate: new Date(addMillis(world.clock.now(), row.laterMillis ?? 0)),
      requiredClaims: ["exp", "iat", "sub"],
    });
    return true;
  } catch {
    return false;
  }
}

describe("attestor and jose", () => {
  const decided = corpus.filter((row) => row.verdict === "accepted" || row.verdict === "signature");

  it.each(decided)("agree on $name: $verdict", async (row) => {
    expect(await acceptedByJose(row, row.token(tools))).toBe(row.verdict === "accepted");
  });

  it("accept nothing that was changed anywhere", async () => {
    const token = tools.attest();
    const attestor = world.attestor({ facts: { types: ["at+jwt"] } });
    const letters = fc.constantFrom(
      ...`ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=.+/ {"\n\0é`.split(""),
    );
    const change = fc.record({ at: fc.nat(token.length - 1), letter: letters, remove: fc.nat(2) });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const mutated = changes.reduce(
          (text, { at, letter, remove }) => text.slice(0, at) + letter + text.slice(at + remove),
          token,
        );
        fc.pre(mutated !== token);
        expect(await verify(attestor, mutated, world.clock.now())).not.toBe("accepted");
      }),
      { numRuns: 500 },
    );
  });
});

describeSignatures("native and jose", createNodeVerifier(), createJoseVerifier());
