/**
 * A parameter inside a resource or a condition value of an IAM policy. `*`, `?` and `$` have meaning there, `:` and `/`
 * end a part, and not every server knows the escapes that AWS has: so a value is letters, digits and a few marks.
 */
import { err, ok } from "../../src/kernel/result.ts";
import type { Slot } from "../shared/slots.ts";

const maxValueLength = 128;

export const policySlot: Slot = (value) =>
  value.length <= maxValueLength && /^[A-Za-z0-9_@=+-]+(?:\.[A-Za-z0-9_@=+-]+)*$/.test(value)
    ? ok(value)
    : err("may hold only letters, digits, _, -, @, =, + and single dots between them");
