/** Which addresses the broker may call, and which spellings of them. */
import { describe, expect, it } from "vitest";
import { parseOutboundUrl } from "../../src/entry/outbound-url.ts";

const production = { allowInsecureLoopback: false };
const development = { allowInsecureLoopback: true };

describe("outbound URL: accepted", () => {
  it.each([
    "https://issuer.example",
    "https://issuer.example/",
    "https://issuer.example/a/b?c=d&e=%2F",
    "https://issuer.example:8443/keys",
    "https://issuer.example:443/keys",
    "https://ISSUER.example/keys",
    "https://10.0.0.1/keys",
    "https://[2001:db8::1]:8443/keys",
    "https://xn--mnchen-3ya.example/",
  ])("%s", (text) => expect(parseOutboundUrl(text, production)?.href).toBe(new URL(text).href));

  it.each(["http://127.0.0.1:8080/keys", "http://127.9.9.9/", "http://localhost:80/", "http://[::1]:8080/"])(
    "%s in development",
    (text) => {
      expect(parseOutboundUrl(text, development)?.href).toBe(new URL(text).href);
      expect(parseOutboundUrl(text, production)).toBeUndefined();
    },
  );
});

describe("outbound URL: refused", () => {
  it.each([
    ["plain http", "http://issuer.example/"],
    ["plain http to a private address", "http://10.0.0.1/"],
    ["plain http to the metadata service", "http://169.254.169.254/latest"],
    ["plain http to any address", "http://0.0.0.0/"],
    ["plain http to a name that starts like loopback", "http://127.0.0.1.example/"],
    ["plain http to a name below localhost", "http://localhost.example/"],
    ["plain http to a mapped address", "http://[::ffff:127.0.0.1]/"],
    ["another scheme", "ftp://issuer.example/"],
    ["a file", "file:///etc/passwd"],
    ["data", "data:application/json,{}"],
    ["no scheme", "issuer.example/keys"],
    ["one slash", "https:/issuer.example/"],
    ["three slashes", "https:///issuer.example/"],
    ["a scheme in capitals", "HTTPS://issuer.example/"],
    ["user and password", "https://user:password@issuer.example/"],
    ["a user", "https://user@issuer.example/"],
    ["an empty user", "https://@issuer.example/"],
    ["a fragment", "https://issuer.example/#keys"],
    ["an empty fragment", "https://issuer.example/#"],
    ["a port with a zero in front", "https://issuer.example:0443/"],
    ["an empty port", "https://issuer.example:/"],
    ["a port above the last", "https://issuer.example:65536/"],
    ["a port with letters", "https://issuer.example:443a/"],
    ["a decimal address", "http://2130706433/"],
    ["a hexadecimal address", "http://0x7f000001/"],
    ["an octal address", "http://0177.0.0.1/"],
    ["a short address", "http://127.1/"],
    ["an address in full-width digits", "http://１２７.0.0.1/"],
    ["a long IPv6 address", "http://[0:0:0:0:0:0:0:1]/"],
    ["a backslash", "https://issuer.example\\@other.example/"],
    ["a backslash in the path", "https://issuer.example/a\\b"],
    ["a tab", "https://issuer\t.example/"],
    ["a newline in the path", "https://issuer.example/a\nb"],
    ["a space in front", " https://issuer.example/"],
    ["a space at the end", "https://issuer.example/ "],
    ["a letter beyond ASCII", "https://münchen.example/"],
    ["an encoded host", "https://issuer%2eexample/"],
    ["no host", "https://"],
    ["nothing", ""],
  ])("%s", (_, text) => expect(parseOutboundUrl(text, development)).toBeUndefined());
});
