/**
 * Names of the database in SQL. A name is always quoted, never cut: the server shortens a longer one silently, and the
 * short one may be somebody else's (PostgreSQL 4.1.1).
 */
import { err, ok } from "../../src/kernel/result.ts";
import type { Slot } from "../shared/slots.ts";

const maxNameBytes = 63;
const bytes = new TextEncoder();

export const isIdentifier = (name: string): boolean =>
  name !== "" && bytes.encode(name).length <= maxNameBytes && !name.includes("\0") && name.isWellFormed();

/** A parameter inside a name: what cannot change where the name begins or ends, whoever quotes it later. */
export const identifierSlot: Slot = (value) =>
  /^[A-Za-z0-9_]{1,63}$/.test(value) ? ok(value) : err("may hold only letters, digits and _");
