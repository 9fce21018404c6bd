/** Which texts of the environment are for providers. */
import { expect, it } from "vitest";
import { secretOfEnvironment } from "../../src/entry/secret-reference.ts";

it.each(["MAYFLY_SEALING_KEYS", "MAYFLY_SIGNING_KEYS", "MAYFLY_LEDGER_PASSWORD"])(
  "%s is the broker's own: a policy cannot send it to a provider",
  (name) => {
    const refused = secretOfEnvironment({ [name]: "the ring" }, name);
    expect(refused).toEqual({
      ok: false,
      fault: `${name} is a setting of the broker itself, and no secret of a provider`,
    });
  },
);

it("any other name is read", () => {
  const read = secretOfEnvironment({ LEDGER_CLIENT_SECRET: "s3cret" }, "LEDGER_CLIENT_SECRET");
  expect(read.ok && read.value.reveal()).toBe("s3cret");
});
