/** What a test of the oauth provider reads of credentials and off the wire, to use it and to see that it never shows. */
import type { Credential } from "../../src/ports/provider.ts";
import type { FaultProxy } from "./fault-proxy.ts";

export function bearerOf(credential: Credential): string {
  if (credential.kind !== "bearer") throw new Error("an access token is a bearer credential");
  return credential.value.reveal();
}

/** What of the requests so far is secret, as it went over the wire, and the client secret itself. */
export const secretsOnTheWire = (proxy: FaultProxy, clientSecret: string): readonly string[] =>
  proxy.seen.flatMap(({ body, headers: { authorization } }) => {
    const form = new URLSearchParams(body);
    const basic = authorization === undefined ? [] : [authorization.replace("Basic ", ""), clientSecret];
    return [...basic, form.get("client_secret"), form.get("client_assertion"), form.get("token")].flatMap(
      (text) => text ?? [],
    );
  });
