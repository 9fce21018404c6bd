/** What a server's error is called: by its code, wherever in its text it stands, and never by the text itself. */
import { expect, it } from "vitest";
import { codeOf } from "../../../src/engines/redis/connection/open-fault.ts";

const place = "ERR Error running script (call to f_2b31ad23a27365ff): @user_script:1: ";

it.each([
  ["a command's", "READONLY You can't write against a read only replica.", "READONLY"],
  ["a password's", "ERR invalid password", "ERR_AUTH"],
  ["a script's before 7.0", `${place}WRONGTYPE Operation against a key`, "WRONGTYPE"],
  ["a script's write before 7.0", `${place}@user_script: 1: -READONLY You can't write`, "READONLY"],
  ["a script's write without memory before 7.0", `${place}@user_script: 1: -OOM command not allowed`, "OOM"],
  ["a fault of a script itself", `${place}attempt to index a nil value`, "Error"],
])("%s error has its code", (_, message, code) => {
  expect(codeOf(new Error(message))).toBe(code);
});
