/**
 * The answer of a Worker or object whose broker cannot be reached or composed. Where the object was ended in the middle of a
 * request it may have been begun: the same Idempotency-Key tells.
 */
export const unavailable = (): Response =>
  Response.json(
    { error: "temporarily_unavailable" },
    { status: 503, headers: { "Retry-After": "5", "Cache-Control": "no-store" } },
  );
