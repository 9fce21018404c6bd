/** Who is woken by a change of a task: those who see it, and nobody else. */
import { beforeEach, describe, expect, it } from "vitest";
import { createChangeHub, type ChangeHub } from "../../src/broker/change-hub.ts";
import { waitUntil } from "../../src/broker/tasks/wait.ts";
import { openMemoryLedger } from "../../src/engines/memory/ledger.ts";
import { emptyState } from "../../src/engines/memory/state.ts";
import type { TaskId } from "../../src/kernel/ids.ts";
import { millis, seconds } from "../../src/kernel/time.ts";
import type { Ledger } from "../../src/ports/ledger.ts";
import { createBuilders } from "../support/builders.ts";
import { createManualClock, type ManualClock } from "../support/manual-clock.ts";

let clock: ManualClock;
let ledger: Ledger;
let hub: ChangeHub;
/** A root, its child, the child's child, another child of the root, and a stranger. */
let tree: { root: TaskId; child: TaskId; grandchild: TaskId; sibling: TaskId; stranger: TaskId };
let woken: string[];

beforeEach(async () => {
  clock = createManualClock();
  ledger = openMemoryLedger({ clock, state: emptyState() });
  hub = createChangeHub({ clock, ledger });
  const build = createBuilders({ clock });
  const open = async (parentId: TaskId | null): Promise<TaskId> => {
    const opened = await ledger.openTask(build.openTask({ parentId }));
    if (opened.kind !== "ok") throw new Error("no task");
    return opened.value.id;
  };
  const root = await open(null);
  const child = await open(root);
  tree = { root, child, grandchild: await open(child), sibling: await open(root), stranger: await open(null) };
  woken = [];
});

const timeout = millis(1000);

function wait(name: keyof typeof tree): void {
  void hub.next(tree[name], timeout).then(() => woken.push(name));
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe("a change of a task", () => {
  it.each<[keyof typeof tree, readonly string[]]>([
    ["root", ["root"]],
    ["child", ["child", "root"]],
    ["grandchild", ["child", "grandchild", "root"]],
    ["stranger", ["stranger"]],
  ])("of %s wakes %j only", async (changed, expected) => {
    for (const name of ["root", "child", "grandchild", "sibling", "stranger"] as const) wait(name);
    hub.notify(tree[changed]);
    await turns();
    expect(woken.toSorted()).toEqual(expected);
    clock.advance(1000);
    await turns();
    expect(woken, "the others only by their own time").toHaveLength(5);
  });

  it("wakes all who wait for it, once", async () => {
    wait("child");
    wait("child");
    hub.notify(tree.child);
    hub.notify(tree.child);
    await turns();
    expect(woken).toEqual(["child", "child"]);
  });

  it("is looked up only while somebody else waits, and once however many come together", async () => {
    let looks = 0;
    hub = createChangeHub({ clock, ledger: { readTask: (id) => ((looks += 1), ledger.readTask(id)) } });
    hub.notify(tree.child);
    wait("child");
    hub.notify(tree.child);
    expect(looks, "nobody else waits").toBe(0);
    wait("root");
    for (let change = 0; change < 50; change += 1) hub.notify(tree.child);
    expect(looks).toBe(1);
    await turns();
    expect(woken).toEqual(["child", "root"]);
  });

  it("that cannot be looked up harms nobody: who waits above looks by itself", async () => {
    hub = createChangeHub({ clock, ledger: { readTask: () => Promise.reject(new Error("closed")) } });
    wait("root");
    hub.notify(tree.child);
    await turns();
    expect(woken).toEqual([]);
    clock.advance(1000);
    await turns();
    expect(woken).toEqual(["root"]);
  });
});

it("a waiter does not read again for what happens elsewhere", async () => {
  let reads = 0;
  const never = new AbortController().signal;
  const isTrue = async (): Promise<boolean> => (reads += 1) > 100;
  const wish = { taskId: tree.child, seconds: seconds(1), signal: never };
  const waiting = waitUntil({ clock, changes: hub }, wish, isTrue);
  for (let change = 0; change < 20; change += 1) {
    hub.notify(tree.stranger);
    hub.notify(tree.sibling);
    await turns();
    clock.advance(10);
  }
  expect(reads).toBe(1);
  hub.notify(tree.child);
  await turns();
  clock.advance(10);
  await turns();
  expect(reads).toBe(2);
  for (let look = 0; look < 20; look += 1) {
    clock.advance(250);
    await turns();
  }
  await waiting;
});
