/**
 * A loopback TCP proxy in front of a real server. Passes everything on, until a test asks it to break what a client
 * sends at a text: before the server sees it, or after the server acted on it.
 */
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

export type TcpBreak =
  /** Passes nothing on and never answers; ends when the client gives up. */
  | "hang"
  /** Closes the connection; the server never saw it. */
  | "reset_before"
  /** The server acted, its answer is lost. */
  | "reset_after";

export interface TcpFaultProxy {
  readonly port: number;
  /** Breaks whatever holds this text until `heal`. */
  breakAt(text: string, fault: TcpBreak): void;
  heal(): void;
  /** Refuses connections, and ends those there are. */
  cutOff(): void;
  /** How many chunks of clients held the text so far, passed on or not. */
  seen(text: string): number;
  /** The next chunk that holds the text has arrived here. */
  arrival(text: string): Promise<void>;
  close(): Promise<void>;
}

export async function startTcpFaultProxy(target: { host: string; port: number }): Promise<TcpFaultProxy> {
  const breaks = new Map<string, TcpBreak>();
  const chunks: string[] = [];
  const waiting = new Map<string, () => void>();
  const sockets = new Set<Socket>();
  let isCutOff = false;

  const endAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => undefined);
  };
  const server = createServer((client) => {
    if (isCutOff) {
      client.destroy();
      return;
    }
    const behind = connect(target);
    keep(client);
    keep(behind);
    client.on("close", () => behind.destroy());
    behind.on("close", () => client.destroy());
    let isAnswerLost = false;
    client.on("data", (data) => {
      const text = data.toString("latin1");
      chunks.push(text);
      for (const [wanted, resolve] of waiting) if (text.includes(wanted)) resolve();
      const fault = [...breaks].find(([wanted]) => text.includes(wanted))?.[1];
      if (fault === "reset_before") client.resetAndDestroy();
      isAnswerLost ||= fault === "reset_after";
      if (fault === undefined || isAnswerLost) behind.write(data);
    });
    behind.on("data", (data) => (isAnswerLost ? client.resetAndDestroy() : client.write(data)));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    port: (server.address() as AddressInfo).port,
    breakAt: (text, fault) => void breaks.set(text, fault),
    heal() {
      breaks.clear();
      isCutOff = false;
    },
    cutOff() {
      isCutOff = true;
      endAll();
    },
    seen: (text) => chunks.filter((chunk) => chunk.includes(text)).length,
    arrival: (text) => new Promise((done) => waiting.set(text, done)),
    async close() {
      endAll();
      await new Promise((done) => server.close(done));
    },
  };
}
