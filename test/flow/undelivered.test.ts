/** A client that is gone before its answer: the credential was made for nobody, and dies. */
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exchangeGrant, jwtType } from "../support/flow/client.ts";
import { eventually, eventuallyTrue } from "../support/flow/eventually.ts";
import { oauthPaths } from "../support/flow/servers.ts";
import { isOnWorkers } from "../support/ledger-kind.ts";
import { startFlow, type FlowWorld } from "../support/flow/world.ts";

let world: FlowWorld;
beforeAll(async () => {
  world = await startFlow();
});
afterAll(() => world.close());

/** An exchange on a socket of its own, so that it can be torn off. */
async function sendOn(task: string): Promise<Socket> {
  const body = new URLSearchParams({
    grant_type: exchangeGrant,
    subject_token: await world.attest("bot"),
    subject_token_type: jwtType,
    scope: "ledger-read",
    task_id: task,
  }).toString();
  const { hostname, port, host } = new URL(world.publicUrl);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => {});
  socket.write(
    `POST /token HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/x-www-form-urlencoded\r\n` +
      `Content-Length: ${body.length}\r\n\r\n${body}`,
  );
  return socket;
}

/** The tokens that the broker asked the OAuth server about at this path. */
const tokensSentTo = (path: string): readonly string[] =>
  world.servers.proxy.seen
    .filter((request) => request.path === path)
    .map(({ body }) => new URLSearchParams(body).get("token") ?? "");

describe("a client that closes its connection", () => {
  it.for([
    ["while the OAuth server mints", oauthPaths.token],
    ["after the mint, before the answer", oauthPaths.introspection],
  ] as const)("%s", async ([, path], context) => {
    context.skip(isOnWorkers, "workerd by itself tells nobody that a client is gone before it is answered");
    const { proxy } = world.servers;
    const task = await world.openTask();
    const before = tokensSentTo(oauthPaths.introspection).length;
    const arrival = proxy.arrival(path);
    const release = proxy.hold(path);
    const socket = await sendOn(task);
    await arrival;
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.destroy();
    await closed;
    release();

    const lease = await eventually("the lease is dead", async () => {
      const [line] = await world.leasesOf(task);
      return line?.state === "revoked" ? line : undefined;
    });
    // It was a real one: the server honoured it when the broker asked after the mint.
    expect(lease.verdict).toBe("dead-verified");
    const [token = ""] = tokensSentTo(oauthPaths.introspection).slice(before);
    expect(token).not.toBe("");
    expect(await world.isUsable(token)).toBe(false);
    const due = (await world.audit(task)).find(({ type }) => type === "lease.due");
    expect(due?.data["cause"]).toBe("undelivered");
    // The task itself goes on.
    const next = await world.issue({ task });
    expect(await world.isUsable(next.token)).toBe(true);
    await world.end(task);
  });

  it("after it has read the answer: the credential lives", async () => {
    const task = await world.openTask();
    const socket = await sendOn(task);
    let text = "";
    socket.setEncoding("utf8").on("data", (piece: string) => (text += piece));
    await eventuallyTrue("the answer is read to its end", async () => /"revocation":"\w+"}$/.test(text.trim()));
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.destroy();
    await closed;
    const token = /"access_token":"([^"]+)"/.exec(text)?.[1] ?? "";
    // Another exchange goes through the broker's whole path meanwhile.
    await world.issue({ task });
    expect(await world.isUsable(token)).toBe(true);
    expect((await world.leasesOf(task)).map(({ state }) => state)).toEqual(["active", "active"]);
    await world.end(task);
    expect(await world.isUsable(token)).toBe(false);
  });
});
