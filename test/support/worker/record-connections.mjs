// Loaded before a program: writes each name that it looks up, and each address that it connects to, into a file.
import { subscribe } from "node:diagnostics_channel";
import { appendFileSync } from "node:fs";

const record = (place) => appendFileSync(process.env.MAYFLY_TEST_CONNECTIONS, `${place}\n`);

subscribe("net.client.socket", ({ socket }) => {
  socket.on("lookup", (_error, _address, _family, host) => record(host));
  socket.on("connectionAttempt", (address) => record(address));
});
