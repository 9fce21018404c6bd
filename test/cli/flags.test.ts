/** Words and flags that are wrong, before anything is contacted: exit code 2, the flag's name, an example. */
import { describe, expect, it } from "vitest";
import { runBinary, runCli } from "./run-cli.ts";

const task = "tsk_01arz3ndektsv4rrffq69";
const token = { MAYFLY_ATTESTATION: "a.b.c" };

interface Row {
  readonly name: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly says: readonly string[];
}

const rows: readonly Row[] = [
  { name: "nothing at all", args: [], says: ["Usage: mayfly", "serve", "doctor"] },
  { name: "an unknown command", args: ["tsak"], says: ["unknown command 'tsak'", "Did you mean task?"] },
  { name: "an unknown subcommand", args: ["task", "ned"], says: ["unknown command 'ned'", "Did you mean end?"] },
  { name: "an unknown flag", args: ["kill", "--scop", "all"], says: ["'--scop'", "Did you mean --scope?"] },
  {
    name: "an attestation as a flag",
    args: ["token", "x", "--attestation", "a.b.c"],
    says: ["every process", "--attestation-file"],
  },
  { name: "a kill without scope", args: ["kill"], says: ["--scope is missing", "--scope agent:invoice-bot"] },
  { name: "a scope of no kind", args: ["kill", "--scope", "bot"], says: ["--scope", "agent:invoice-bot"] },
  { name: "a scope with a broken id", args: ["kill", "--scope", "task:x"], says: ["--scope", "task:ID"] },
  { name: "a door of a task", args: ["door", "open", `task:${task}`], says: ["its end is final"] },
  { name: "a task without agent", args: ["task", "open"], says: ["--agent is missing", "--agent invoice-bot"] },
  { name: "a task without template", args: ["task", "open", "--agent", "b"], says: ["--template is missing"] },
  {
    name: "a task without deadline",
    args: ["task", "open", "--agent", "b", "--template", "t"],
    says: ["--deadline is missing", "--deadline 15m"],
  },
  { name: "a span of nothing", args: ["task", "open", "--deadline", "0"], says: ["--deadline", "above zero"] },
  { name: "a span of no unit", args: ["task", "open", "--deadline", "3y"], says: ["--deadline", "15m"] },
  {
    name: "a parameter before its template",
    args: ["task", "open", "--param", "a=b"],
    says: ["--param", "--template"],
  },
  { name: "a parameter without value", args: ["token", "t", "--param", "tenant"], says: ["--param", "region=emea"] },
  { name: "a parameter of broken JSON", args: ["token", "t", "--param", "n:={"], says: ["--param", "n:=100"] },
  { name: "an id that is none", args: ["task", "show", "task-1"], says: ["tsk_"] },
  { name: "a wait that is too long", args: ["task", "show", task, "--wait", "1m"], says: ["--wait", "30s"] },
  { name: "an outcome that is none", args: ["task", "end", task, "--outcome", "ok"], says: ["--outcome", "completed"] },
  {
    name: "a backup of a Redis ledger in a file",
    args: ["restore", "copy.rdb", "--ledger", "redis://one"],
    says: ["not restored from a file", "without a file"],
  },
  { name: "a restore of no file", args: ["restore", "--ledger", "sqlite:./x.db"], says: ["no backup is named"] },
  {
    name: "a restore with a password in a flag",
    args: ["restore", "--ledger", "redis://bot:s3cret@one"],
    says: ["every user of this machine can read"],
  },
  { name: "too many words", args: ["door", "ls", "x"], says: ["too many arguments"] },
  { name: "a sequence that is none", args: ["audit", "tail", "--after", "-1"], says: ["--after", "42"] },
  {
    name: "plain http to another machine",
    args: ["task", "show", task, "--url", "http://10.0.0.1"],
    env: token,
    says: ["--url", "plain http", "--allow-plain-http"],
  },
  {
    name: "plain http by environment",
    args: ["door", "ls"],
    env: { ...token, MAYFLY_ADMIN_URL: "http://broker.example" },
    says: ["MAYFLY_ADMIN_URL", "plain http"],
  },
  { name: "an address that is none", args: ["door", "ls", "--admin-url", "broker"], env: token, says: ["--admin-url"] },
  {
    name: "an address with a password",
    args: ["door", "ls", "--admin-url", "https://me:secret@broker.example"],
    env: token,
    says: ["more than an address"],
  },
  { name: "no attestation", args: ["door", "ls"], says: ["no attestation", "MAYFLY_ATTESTATION_FILE"] },
  {
    name: "an empty attestation",
    args: ["door", "ls", "--attestation-file", "-"],
    says: ["stdin holds no attestation"],
  },
  {
    name: "an attestation file that is missing",
    args: ["door", "ls", "--attestation-file", "/no/such/file"],
    says: ["/no/such/file cannot be read"],
  },
  {
    name: "an attestation with the word Bearer",
    args: ["door", "ls", "--attestation-file", "-"],
    input: "Bearer a.b.c",
    says: ["one token", "without quotes"],
  },
  {
    name: "an attestation that is too long",
    args: ["door", "ls", "--attestation-file", "-"],
    input: "a".repeat(20_000),
    says: ["more than 16384 characters"],
  },
  {
    name: "serve without policy",
    args: ["serve", "--development"],
    says: ["--policy is missing", "nothing was started"],
  },
  {
    name: "serve with all wrong",
    args: ["serve", "--policy", "p", "--ledger", "redis:x", "--listen", "here", "--issuer", "ftp://x"],
    says: ["--ledger", "--listen", "--issuer", "MAYFLY_SEALING_KEYS", "mayfly keys generate"],
  },
];

describe("cli: wrong words and flags", () => {
  it.concurrent.each(rows)("$name", async ({ args, env = {}, input = "", says }) => {
    const { code, stdout, stderr } = await runCli(args, { env, input });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    for (const words of says) expect(stderr).toContain(words);
  });

  it("does so as a process too", async () => {
    const ran = await runBinary(["kill"]);
    expect(ran).toMatchObject({ code: 2, stdout: "" });
    expect(ran.stderr).toContain("--scope is missing");
  });

  it("does not repeat a long word, which may be a token in the wrong place", async () => {
    const secret = "eyJ".padEnd(200, "x");
    const { code, stderr } = await runCli(["door", "ls", secret]);
    expect(code).toBe(2);
    expect(stderr).not.toContain(secret);
  });
});

const commands = [
  [],
  ["serve"],
  ["task"],
  ["task", "open"],
  ["task", "show"],
  ["task", "heartbeat"],
  ["task", "end"],
  ["token"],
  ["kill"],
  ["door", "ls"],
  ["door", "open"],
  ["targets", "ls"],
  ["targets", "show"],
  ["targets", "pause"],
  ["targets", "resume"],
  ["targets", "retry"],
  ["stuck", "ls"],
  ["stuck", "retry"],
  ["audit", "tail"],
  ["backup"],
  ["restore"],
  ["policy", "check"],
  ["policy", "schema"],
  ["keys", "generate"],
  ["doctor"],
];

describe("cli: help", () => {
  it.concurrent.each(commands)("explains %s %s", async (...words) => {
    const { code, stdout, stderr } = await runCli([...words, "--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain(words.length > 1 ? `$ mayfly ${words.join(" ")}` : "Usage: mayfly");
  });

  it("prints its version on stdout", async () => {
    expect(await runBinary(["--version"])).toEqual({ code: 0, stdout: "0.1.0\n", stderr: "" });
  });
});
