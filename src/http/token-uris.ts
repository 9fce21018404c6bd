/** Registered names of RFC 8693 §2.1 and §3, and the broker's own (RFC 9396 §2 `type`). */
export const tokenExchangeGrant = "urn:ietf:params:oauth:grant-type:token-exchange";
export const jwtTokenTypeUri = "urn:ietf:params:oauth:token-type:jwt";
export const accessTokenTypeUri = "urn:ietf:params:oauth:token-type:access_token";
export const detailsType = "mayfly_template";
/** Followed by the kind of a structured credential. */
export const structuredTokenTypeBase = "https://mayfly.dev/token-type/";
