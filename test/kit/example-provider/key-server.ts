/** The system that the example is a provider of: a few lines on loopback, which know keys by name. */
import { text } from "node:stream/consumers";
import { serveOnLoopback } from "../../../scripts/servers/loopback.ts";

export interface KeyServer {
  readonly url: string;
  /** What a key may do; null where it is refused. */
  use(key: string): readonly string[] | null;
  close(): Promise<void>;
}

interface Asked {
  readonly name: string;
  readonly rights: readonly string[];
  readonly prefix: string;
  readonly after: string;
  readonly limit: number;
}

export async function startKeyServer(): Promise<KeyServer> {
  const keys = new Map<string, { readonly key: string; readonly rights: readonly string[] }>();
  const answers: Readonly<Record<string, (asked: Asked) => object | null>> = {
    "/mint": ({ name, rights }) => {
      const key = `${name}.${crypto.randomUUID()}`;
      keys.set(name, { key, rights });
      return { key };
    },
    "/revoke": ({ name }) => (keys.delete(name) ? {} : null),
    "/look": ({ name }) => ({ alive: keys.has(name) }),
    "/list": ({ prefix, after, limit }) => {
      const names = [...keys.keys()].filter((name) => name.startsWith(prefix) && name > after).toSorted();
      return { names: names.slice(0, limit) };
    },
  };
  const server = await serveOnLoopback(async (request, response) => {
    const asked = JSON.parse(await text(request)) as Asked;
    const answer = answers[request.url ?? ""]?.(asked) ?? null;
    response.writeHead(answer === null ? 404 : 200).end(JSON.stringify(answer));
  });
  return {
    url: server.url,
    use: (key) => [...keys.values()].find((known) => known.key === key)?.rights ?? null,
    close: () => server.close(),
  };
}
