/** On a real socket: a client that hangs up while its credential is being made gets nothing, and the credential dies. */
import { createAdaptorServer } from "@hono/node-server";
import { createServer } from "node:http";
import { connect } from "node:net";
import { expect, it } from "vitest";
import type { Ledger } from "../../src/ports/ledger.ts";
import type { MakeDue } from "../../src/ports/ledger-commands.ts";
import { listenOnLoopback } from "../support/loopback-server.ts";
import { createWorld, exchangeForm } from "./world.ts";

it("a connection that closes during the mint makes the lease due as undelivered", async () => {
  const minting = Promise.withResolvers<void>();
  const hungUp = Promise.withResolvers<void>();
  const ordered = Promise.withResolvers<MakeDue>();
  const around = (ledger: Ledger): Ledger => ({
    ...ledger,
    completeMint: async (command) => {
      const answer = await ledger.completeMint(command);
      minting.resolve();
      await hungUp.promise;
      return answer;
    },
    makeDue: (command) => {
      ordered.resolve(command);
      return ledger.makeDue(command);
    },
  });
  const world = await createWorld({ around });
  const server = createAdaptorServer({ fetch: world.public.fetch, createServer });
  server.on("connection", (socket) => socket.on("close", () => hungUp.resolve()));
  const listening = await listenOnLoopback(server);
  try {
    const form = new URLSearchParams({ ...exchangeForm, subject_token: world.attest("bot") }).toString();
    const client = connect(listening.port, "127.0.0.1");
    const type = "Content-Type: application/x-www-form-urlencoded";
    client.write(`POST /token HTTP/1.1\r\nHost: broker\r\n${type}\r\nContent-Length: ${form.length}\r\n\r\n${form}`);
    await minting.promise;
    client.destroy();
    expect(await ordered.promise).toMatchObject({ killCause: "undelivered" });
    const lease = await world.ledger.readLease((await ordered.promise).leaseId);
    expect(lease?.lease.state.kind).toBe("revoking");
  } finally {
    await listening.close();
    await world.close();
  }
});

it("a connection that closes after the answer kills nothing", async () => {
  let orders = 0;
  const around = (ledger: Ledger): Ledger => ({
    ...ledger,
    makeDue: (command) => {
      orders += 1;
      return ledger.makeDue(command);
    },
  });
  const world = await createWorld({ around });
  const listening = await listenOnLoopback(createAdaptorServer({ fetch: world.public.fetch, createServer }));
  try {
    const body = new URLSearchParams({ ...exchangeForm, subject_token: world.attest("bot") });
    const answer = await fetch(`${listening.url}/token`, { method: "POST", body, headers: { Connection: "close" } });
    expect([answer.status, Object.keys((await answer.json()) as object)]).toEqual([
      200,
      expect.arrayContaining(["lease_id"]),
    ]);
  } finally {
    await listening.close();
    await world.close();
  }
  expect(orders).toBe(0);
});
