/** The command line of an operator: kill with its dry run, doors, targets, audit. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startCliWorld, type CliWorld } from "./world.ts";

let world: CliWorld;
beforeAll(async () => {
  world = await startCliWorld();
});
afterAll(() => world.close());

const parse = (text: string): Record<string, unknown> => JSON.parse(text) as Record<string, unknown>;

async function taskWithCredentials(count: number): Promise<string> {
  const id = await world.openTask();
  for (let made = 0; made < count; made += 1) {
    const ran = await world.as("bot", ["token", "api-read", "--task", id]);
    expect(ran).toMatchObject({ code: 0 });
  }
  return id;
}

async function stateOf(id: string): Promise<unknown> {
  const shown = await world.as("planner", ["task", "show", id, "--json"]);
  return parse(shown.stdout)["state"];
}

describe("cli: kill", () => {
  it("without --yes counts and changes nothing", async () => {
    const id = await taskWithCredentials(2);
    const ran = await world.as("desk", ["kill", "--scope", `task:${id}`]);
    expect(ran).toMatchObject({ code: 0, stdout: "" });
    expect(ran.stderr).toMatch(
      /covers 1 open task and 2 live credentials\n +2 {2}at own\ndry run: nothing was changed; add --yes/,
    );
    const asJson = await world.as("desk", ["kill", "--scope", `task:${id}`, "--json"]);
    expect(parse(asJson.stdout)).toEqual({
      scope: `task:${id}`,
      dry_run: true,
      blast_radius: { tasks: 1, leases: 2, by_provider: { own: 2 } },
    });
    expect(await stateOf(id)).toBe("open");
  });

  it("of a name that nothing has says so: it may be misspelt", async () => {
    const ran = await world.startAs("desk", ["kill", "--scope", "agent:no-such-bot"]);
    expect(ran.stderr).toMatch(/covers 0 open tasks and 0 live credentials\n.*check that it is written right/);
    const known = await world.startAs("desk", ["kill", "--scope", `task:${await taskWithCredentials(1)}`]);
    expect(known.stderr).not.toContain("written right");
  });

  it("with --yes kills a task, watches, and reports each verdict", async () => {
    const id = await taskWithCredentials(2);
    const ran = await world.startAs("desk", ["kill", "--scope", `task:${id}`, "--reason", "ran amok", "--yes"]);
    expect(ran).toMatchObject({ code: 0, stdout: "" });
    expect(ran.stderr).toMatch(/2 of 2 dead, 0 left/);
    expect(ran.stderr).toMatch(/nothing live is left of task:[^]* 2 {2}dead/);
    expect(ran.stderr).not.toContain("door");
    const shown = await world.as("planner", ["task", "show", id, "--json"]);
    expect(parse(shown.stdout)).toMatchObject({ state: "ended", outcome: "killed", summary: { live: 0, dead: 2 } });
  });

  it("of an agent leaves a door that only an operator opens", async () => {
    const id = await taskWithCredentials(1);
    const killed = await world.as("desk", ["kill", "--scope", "agent:bot", "--yes", "--json"]);
    expect(killed).toMatchObject({ code: 0 });
    const report = parse(killed.stdout);
    expect(report).toMatchObject({ dry_run: false, ended: "dead", left: { leases: 0 }, door: "agent:bot", stuck: [] });
    expect(
      Object.values(report["verdicts"] as object).reduce((sum: number, count: number) => sum + count, 0),
    ).toBeGreaterThanOrEqual(1);

    const refused = await world.as("bot", ["token", "api-read", "--task", id]);
    expect(refused).toMatchObject({ code: 3, stdout: "" });
    expect(refused.stderr).toMatch(/door_closed[^]*mayfly door ls/);
    const listed = await world.as("viewer", ["door", "ls"]);
    expect(listed.stdout).toMatch(
      /^SCOPE +CLOSED AT +KILL +REASON\nagent:bot +\d{4}-\S+ +\w+ +killed by an operator\n$/,
    );
    expect((await world.as("viewer", ["door", "open", "agent:bot"])).code).toBe(3);
    const opened = await world.as("desk", ["door", "open", "agent:bot"]);
    expect(opened).toMatchObject({ code: 0, stdout: "" });
    expect((await world.as("desk", ["door", "ls", "--json"])).stdout).toBe('{\n  "doors": []\n}\n');
    expect((await world.as("desk", ["door", "open", "agent:bot"])).code).toBe(3);
    const fresh = await taskWithCredentials(1);
    expect(await stateOf(fresh)).toBe("open");
  });

  it("says what it does not know when the operator may not read the audit", async () => {
    const ran = await world.as("viewer", ["kill", "--scope", "all", "--yes"]);
    expect(ran.code).toBe(3);
    expect(ran.stderr).toMatch(/covers \d+ open tasks?[^]*nothing was killed/);
  });

  it("is not there for others", async () => {
    const ran = await world.as("planner", ["kill", "--scope", "all", "--yes"]);
    expect(ran).toMatchObject({ code: 3, stdout: "" });
    expect((await world.as("desk", ["door", "ls", "--json"])).stdout).toContain('"doors": []');
  });
});

describe("cli: targets, stuck and audit", () => {
  it("pauses and resumes a target", async () => {
    await taskWithCredentials(1);
    expect((await world.as("viewer", ["targets", "pause", "own"])).code).toBe(3);
    expect(await world.as("desk", ["targets", "pause", "own"])).toMatchObject({ code: 0, stdout: "" });
    expect((await world.as("viewer", ["targets", "ls"])).stdout).toMatch(/\nown +paused +\d+ /);
    expect((await world.as("desk", ["targets", "resume", "own"])).code).toBe(0);
    expect((await world.as("viewer", ["targets", "ls"])).stdout).toMatch(/\nown +ok +\d+ /);
    expect((await world.as("desk", ["targets", "pause", "nobody"])).code).toBe(3);
  });

  it("accepts the clock, from an operator with that right only", async () => {
    expect(await world.as("desk", ["clock", "accept"])).toMatchObject({ code: 0, stdout: "" });
    expect((await world.as("viewer", ["clock", "accept"])).code).toBe(3);
  });

  it("shows that nothing is stuck", async () => {
    expect(await world.as("viewer", ["stuck", "ls"])).toMatchObject({
      code: 0,
      stdout: "",
      stderr: "nothing is stuck\n",
    });
    expect(parse((await world.as("viewer", ["stuck", "ls", "--json"])).stdout)).toEqual({ leases: [] });
  });

  it("tells the audit of a task in order, and as JSON lines", async () => {
    const id = await taskWithCredentials(1);
    const text = await world.as("viewer", ["audit", "tail", "--task", id]);
    expect(text.code).toBe(0);
    const types = text.stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.split(/ +/)[2]);
    expect(types).toEqual(["task.opened", "lease.intended", "lease.activated"]);
    const lines = (await world.as("viewer", ["audit", "tail", "--task", id, "--json"])).stdout.trimEnd().split("\n");
    expect(lines.map((line) => parse(line)["type"])).toEqual(types);
    const second = parse(lines[1] ?? "")["sequence"];
    const after = await world.as("viewer", ["audit", "tail", "--task", id, "--json", "--after", String(second)]);
    expect(after.stdout.trimEnd().split("\n")).toEqual(lines.slice(2));
    const last = await world.as("viewer", ["audit", "tail", "--task", id, "--json", "--last", "2"]);
    expect(last.stdout.trimEnd().split("\n")).toEqual(lines.slice(-2));
  });

  it("tells the request that an entry came of", async () => {
    const id = await taskWithCredentials(1);
    const last = await world.as("viewer", ["audit", "tail", "--task", id, "--last", "1"]);
    const line = /^0:\d+ {2}\S+ {2}lease\.activated .* request=(req_\w+)\n$/.exec(last.stdout);
    const asJson = await world.as("viewer", ["audit", "tail", "--task", id, "--last", "1", "--json"]);
    expect(line?.[1]).toBe(parse(asJson.stdout)["request_id"]);
    for (const count of ["0", "201", "x"])
      expect((await world.as("viewer", ["audit", "tail", "--last", count])).code).toBe(2);
  });

  it("follows the audit until its reader is gone", async () => {
    const present = Promise.withResolvers<string>();
    let isFirst = true;
    const ran = await world.startAs("viewer", ["audit", "tail", "--follow", "--json"], {
      onStdout(text, leave) {
        if (isFirst) void world.openTask().then(present.resolve, present.reject);
        isFirst = false;
        // What comes after its reader left tells the command so.
        void present.promise.then((id) => (text.includes(id) ? leave().then(() => world.openTask()) : undefined));
      },
    });
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(ran.stdout).toContain('"sequence":1,');
    expect(ran.stdout).toContain(`"task_id":"${await present.promise}"`);
  });
});

describe("cli: providers", () => {
  it("ls shows each with what its kill is worth", async () => {
    const ran = await world.as("desk", ["provider", "ls"]);
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(ran.stdout).toMatch(/own +jwt +ok +eventual|own +jwt +ok +immediate/);
    expect(ran.stdout).toContain("not observable");
  });

  it("test tells each step with its time", async () => {
    const ran = await world.as("desk", ["provider", "test", "own", "--template", "api-read", "--param", "tenant=apac"]);
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.stdout).toMatch(/mint +ok +\d+\.\d{3} +it would live/);
    expect(ran.stdout).toMatch(/use after +not asked/);
    expect(ran.stderr).toContain("its kill could not be seen");
  });

  it.each<[string, readonly string[], number, RegExp]>([
    ["without a template", ["provider", "test", "own"], 2, /add --template NAME/],
    ["of a template that is not its own", ["provider", "test", "own", "--template", "no-such"], 2, /not one of this/],
    ["drift of one that cannot list", ["provider", "drift", "own"], 6, /cannot_list/],
    ["drift of one that does not exist", ["provider", "drift", "nowhere"], 3, /mayfly/],
  ])("%s", async (_, args, code, words) => {
    const ran = await world.as("desk", args);
    expect(ran.stderr).toMatch(words);
    expect(ran.code).toBe(code);
  });
});
