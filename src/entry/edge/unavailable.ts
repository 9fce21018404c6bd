/** The answer of a Worker or object whose broker cannot be reached or composed: nothing was begun. */
export const unavailable = (): Response =>
  Response.json(
    { error: "temporarily_unavailable" },
    { status: 503, headers: { "Retry-After": "5", "Cache-Control": "no-store" } },
  );
