/**
 * Which addresses the broker may call: `https:`, or `http:` on a loopback host in development. The URL must be
 * written the plain way: whatever two parsers could read differently (credentials, odd address forms, ports with
 * zeros, control characters) is refused, so that what was reviewed in configuration is what gets called.
 */
export function parseOutboundUrl(text: string, options: { readonly allowInsecureLoopback: boolean }): URL | undefined {
  const authority = /^https?:\/\/([^/?#\\]+)/.exec(text)?.[1];
  if (authority === undefined || !/^[\x21-\x7e]+$/.test(text) || /[#\\]/.test(text) || !URL.canParse(text))
    return undefined;
  const url = new URL(text);
  const written = authority.toLowerCase();
  if (written !== url.host && written !== `${url.hostname}:${defaultPort(url)}`) return undefined;
  if (url.protocol === "https:") return url;
  return options.allowInsecureLoopback && isLoopback(url.hostname) ? url : undefined;
}

const defaultPort = (url: URL): string => (url.protocol === "https:" ? "443" : "80");

/** The host is in the URL parser's canonical form. */
const isLoopback = (hostname: string): boolean =>
  hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
