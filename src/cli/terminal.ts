/**
 * The two streams of a command: data on stdout, words on stderr. What others wrote (reasons, names from the broker)
 * passes here without control characters, so that it cannot drive the terminal. A reader that went away is no error, a full disk is.
 */
import { createInterface } from "node:readline/promises";
import type { Readable, Writable } from "node:stream";

export interface Terminal {
  /** One line of data. */
  data(line: string): void;
  json(value: unknown): void;
  /** Exactly this text on stdout: credentials. False when nobody took it. */
  exact(text: string): Promise<boolean>;
  /** Words for a person. */
  say(line: string): void;
  /** A line that is redrawn in place, where stderr is a terminal; an empty text clears it. */
  redraw(line: string): void;
  /** Asks on stderr; answers an empty text at the end of input. */
  ask(question: string): Promise<string>;
  readonly style: Style;
  readonly isStdoutTty: boolean;
  readonly isStderrTty: boolean;
  /** Whether a person can answer a question here. */
  readonly mayAsk: boolean;
  /** Nobody reads stdout any more. */
  isClosed(): boolean;
  /** After the last write: the code of what kept data from getting through, or null. A reader that left is no failure. */
  settle(): Promise<string | null>;
}

type Paint = (text: string) => string;

export interface Style {
  readonly bad: Paint;
  readonly good: Paint;
  readonly strong: Paint;
  readonly dim: Paint;
}

/** Controls and the characters that reorder text (category Cf); tab and newline stay. */
const unprintable = /[\p{Cc}\p{Cf}]/gu;
export const printable = (text: string): string =>
  text.replaceAll(unprintable, (letter) => (letter === "\n" || letter === "\t" ? letter : "?"));

interface Streams {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & { readonly isTTY?: boolean };
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
}

export function createTerminal(streams: Streams): Terminal {
  const { stdin, stdout, stderr, env } = streams;
  let lost: string | null = null;
  let drawn = false;
  // Writing goes on into nothing: a kill must not stop half-way because its words found no reader.
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    lost ??= error.code ?? "unknown";
  });
  stderr.on("error", () => undefined);
  const style = styleFor(stderr.isTTY === true && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb");
  const clear = (): void => {
    if (drawn) stderr.write("\r\u001b[K");
    drawn = false;
  };
  const say = (line: string): void => {
    clear();
    stderr.write(`${line}\n`);
  };
  return {
    data: (line) => void stdout.write(`${printable(line)}\n`),
    json: (value) => void stdout.write(`${JSON.stringify(value, null, 2)}\n`),
    exact: (text) =>
      new Promise((resolve) => void stdout.write(text, (error) => resolve(error === undefined || error === null))),
    say,
    redraw(line) {
      clear();
      if (line === "" || stderr.isTTY !== true) return;
      stderr.write(line);
      drawn = true;
    },
    async ask(question) {
      clear();
      const lines = createInterface({ input: stdin, output: stderr });
      const ended = new Promise<string>((resolve) => lines.once("close", () => resolve("")));
      try {
        return await Promise.race([lines.question(question), ended]);
      } finally {
        lines.close();
      }
    },
    style,
    isStdoutTty: stdout.isTTY === true,
    isStderrTty: stderr.isTTY === true,
    mayAsk: stdin.isTTY === true && stderr.isTTY === true,
    isClosed: () => lost !== null,
    settle: () =>
      new Promise((resolve) => {
        stdout.write("", () => setImmediate(() => resolve(lost === null || readerLeft.has(lost) ? null : lost)));
      }),
  };
}

/** `mayfly ... | head` closes our stdout early, and that is how it is meant. */
const readerLeft: ReadonlySet<string> = new Set(["EPIPE", "ERR_STREAM_DESTROYED"]);

function styleFor(colors: boolean): Style {
  const paint =
    (code: number) =>
    (text: string): string =>
      colors ? `\u001b[${code}m${text}\u001b[0m` : text;
  return { bad: paint(31), good: paint(32), strong: paint(1), dim: paint(2) };
}
