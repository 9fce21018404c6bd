/** A server on a free port of loopback, and how to stop it with every connection that it holds. */
import type { AddressInfo, Server as TcpServer, Socket } from "node:net";

export interface LoopbackServer {
  readonly url: string;
  readonly port: number;
  readonly close: () => Promise<void>;
}

export async function listenOnLoopback(server: TcpServer): Promise<LoopbackServer> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    close: async () => {
      const closed = new Promise<void>((resolveClosed) => server.close(() => resolveClosed()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
