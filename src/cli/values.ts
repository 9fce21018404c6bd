/** Texts of flags to values. Each refusal says what to write instead; commander puts the flag's name before it. */
import { InvalidArgumentError } from "commander";
import { parseAuditCursor } from "../domain/audit-cursor.ts";
import { isName } from "../domain/names.ts";
import { parseLeaseId, parseTaskId } from "../kernel/ids.ts";
import { maxPageSize } from "../kernel/limits.ts";

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** `90`, `30s`, `15m`, `2h`, `7d` in whole seconds. */
export function durationSeconds(text: string): number {
  const parts = /^(\d{1,9})([smhd])?$/.exec(text);
  if (parts?.[1] === undefined) throw new InvalidArgumentError("Write seconds or a span: 90, 30s, 15m, 2h.");
  return Number(parts[1]) * (unitSeconds[parts[2] ?? "s"] ?? 1);
}

/** A positive span. */
export function positiveSeconds(text: string): number {
  const span = durationSeconds(text);
  if (span === 0) throw new InvalidArgumentError("Write a span above zero, as in 30s or 15m.");
  return span;
}

export function waitSeconds(text: string): number {
  const span = durationSeconds(text);
  if (span > 30) throw new InvalidArgumentError("The broker holds a request for at most 30s.");
  return span;
}

export function resourceName(text: string): string {
  if (!isName(text)) throw new InvalidArgumentError("Write a resource name: lower-case letters, digits, - and . only.");
  return text;
}

/** `provider` or `provider/system`; the system's name may hold anything. */
export function targetText(text: string): string {
  const [provider = "", ...system] = text.split("/");
  if (!isName(provider) || (system.length > 0 && system.join("/") === ""))
    throw new InvalidArgumentError("Write a target as `mayfly targets ls` shows it, as in idp or vault/payments.");
  return text;
}

export function taskId(text: string): string {
  if (parseTaskId(text) === undefined)
    throw new InvalidArgumentError("Write a task id, as in tsk_01arz3ndektsv4rrffq69.");
  return text;
}

export function leaseId(text: string): string {
  if (parseLeaseId(text) === undefined)
    throw new InvalidArgumentError("Write a lease id, as in lea_01arz3ndektsv4rrffq69.");
  return text;
}

const scopeKinds = ["agent", "template", "provider", "issuer"];

/** `all`, `task:ID` or `agent:NAME`, `template:NAME`, `provider:NAME`, `issuer:NAME`. */
export function killScope(text: string): string {
  const separator = text.indexOf(":");
  const kind = text.slice(0, separator);
  const name = text.slice(separator + 1);
  const isTask = kind === "task" && parseTaskId(name) !== undefined;
  if (text === "all" || isTask || (scopeKinds.includes(kind) && isName(name))) return text;
  throw new InvalidArgumentError(
    "Write task:ID, agent:NAME, template:NAME, provider:NAME, issuer:NAME or all, as in agent:invoice-bot.",
  );
}

export function doorScope(text: string): string {
  if (text.startsWith("task:"))
    throw new InvalidArgumentError("A task has no door: its end is final. Open a new task.");
  return killScope(text);
}

export interface NamedValue {
  readonly name: string;
  readonly value: unknown;
}

/** `name=text`, or `name:=JSON` for a number, a truth value, a list or an object. */
export function namedValue(text: string): NamedValue {
  const parts = /^([^:=\s]+)(:?=)(.*)$/s.exec(text);
  if (parts === null) throw new InvalidArgumentError("Write name=text, or name:=JSON, as in region=emea or rows:=100.");
  const [, name = "", operator, value = ""] = parts;
  if (operator === "=") return { name, value };
  try {
    const parsed: unknown = JSON.parse(value);
    return { name, value: parsed };
  } catch {
    throw new InvalidArgumentError(
      `After ${name}:= comes JSON, as in ${name}:=100 or ${name}:=true; for text write ${name}=...`,
    );
  }
}

export const collectNamed = (text: string, sofar: readonly NamedValue[] = []): readonly NamedValue[] => [
  ...sofar,
  namedValue(text),
];

export function auditCursor(text: string): string {
  if (parseAuditCursor(text) === undefined)
    throw new InvalidArgumentError("Write the cursor that an earlier reading ended with, as in 42.");
  return text;
}

export function pageCount(text: string): number {
  const count = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > maxPageSize) throw new InvalidArgumentError(`Write a number from 1 to ${maxPageSize}.`);
  return count;
}
