/**
 * Leaves out of a script the helpers that it does not use. A script is run from its first line each time, so every function
 * in it costs the server an allocation a call, and most scripts use few of those that they stand on.
 */

/** At the left margin, on one line or down to the `end` at the margin. */
const helper = /^local function (\w+)\((?:[^\n]* end|[^\n]*(?:\n(?!end$)[^\n]*)*\nend)$/gm;

/** A `local` of Lua can be used only behind its definition, so that what nothing behind it names is not needed. */
export function neededLua(text: string): string {
  const helpers = [...text.matchAll(helper)].toReversed();
  return helpers.reduce((kept, { 0: whole, 1: name = "", index }) => {
    const behind = kept.slice(index + whole.length);
    return new RegExp(`\\b${name}\\b`).test(behind) ? kept : kept.slice(0, index) + behind.trimStart();
  }, text);
}
