/** What Redis and its client can do at all for an issue: as many scripts one after the other that write a small row. */
import { createHash, randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { serveActor } from "../actor.ts";

const atOnce = 64;
const text = "redis.call('HSET', KEYS[1], 'row', ARGV[1]) return 'ok'";
const digest = createHash("sha1").update(text).digest("hex");
const row = "r".repeat(300);

interface Wish {
  readonly port: number;
  readonly seconds: number;
  /** Of one issue. */
  readonly scripts: number;
}

serveActor({
  /** Issues a second. */
  async time({ port, seconds, scripts }: Wish) {
    const client = new Redis({ host: "127.0.0.1", port, enableAutoPipelining: true });
    await client.script("LOAD", text);
    const prefix = `bare:${randomUUID()}`;
    const startedAt = performance.now();
    const until = startedAt + seconds * 1000;
    let done = 0;
    const issue = async (): Promise<void> => {
      while (performance.now() < until) {
        done += 1;
        for (let step = 0; step < scripts; step += 1) await client.evalsha(digest, 1, `${prefix}:${done}`, row);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, issue));
    const perSecond = (done * 1000) / (performance.now() - startedAt);
    client.disconnect();
    return perSecond;
  },
});
