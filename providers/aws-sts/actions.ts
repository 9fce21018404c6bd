/**
 * Actions of a template. What makes credentials or changes rights is refused: a denial of the session ends what the
 * session does, not what it made.
 */
const action = /^[a-z][a-z0-9-]{0,62}:[A-Za-z0-9*?]{1,128}$/;
/** The only ones of `sts:` that lead to no other session. */
const harmlessSts = new Set(["sts:GetCallerIdentity", "sts:DecodeAuthorizationMessage", "sts:GetAccessKeyInfo"]);

/** What is wrong with it, or undefined. */
export function problemOfAction(text: string): string | undefined {
  if (!action.test(text)) return "must be one service and its action, as s3:GetObject; wildcards only in the action";
  if (text.startsWith("sts:") && !harmlessSts.has(text))
    return "would let the session make another one, which no kill of this one ends";
  if (text.startsWith("iam:") && !/^iam:(?:Get|List)[A-Za-z*?]*$/.test(text))
    return "would let the session change rights or make keys, which outlive it";
  return undefined;
}
