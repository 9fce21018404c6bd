/** A provider's digest names its system before the dot and its configuration behind it. */
export const systemOf = (digest: string): string => digest.split(".", 1)[0] ?? "";

/** Whether each can kill what the other minted. */
export const isSameSystem = (left: string, right: string): boolean => systemOf(left) === systemOf(right);
