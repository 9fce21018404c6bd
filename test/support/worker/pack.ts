/** Values of a provider's port as text between two processes of a test, with the secrets in them opened and closed again. */
import { Redacted } from "../../../src/kernel/redacted.ts";

const mark = "$redacted";

export const pack = (value: unknown): string =>
  JSON.stringify(value, function (this: Record<string, unknown>, key, json: unknown) {
    const held = this[key];
    return held instanceof Redacted ? { [mark]: held.reveal() as unknown, label: held.label } : json;
  });

export const unpack = (text: string): unknown =>
  JSON.parse(text, (_, json: unknown) =>
    typeof json === "object" && json !== null && mark in json && "label" in json && typeof json.label === "string"
      ? new Redacted(json[mark], json.label)
      : json,
  );
