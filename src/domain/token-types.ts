/** The `typ` of the broker's own access tokens (RFC 9068 §2.1). */
export const accessTokenType = "at+jwt";
