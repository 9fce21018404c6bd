/** A system whose credentials are revoked: answers every DELETE with 204 and keeps nothing. */
import { serveOnLoopback } from "../../servers/loopback.ts";
import { serveActor } from "../actor.ts";

serveActor({
  async start() {
    const { url } = await serveOnLoopback((request, response) => {
      request.resume();
      response.writeHead(204).end();
    });
    return url;
  },
});
