/**
 * `POST /revoke` (RFC 7009). Possession suffices, and a kill is never refused for what else came along: client
 * authentication, hints and unknown parameters are not looked at. 200 for known and unknown tokens alike (§2.2).
 */
import type { Broker } from "../../broker/broker.ts";
import { Redacted } from "../../kernel/redacted.ts";
import { err, ok } from "../../kernel/result.ts";
import type { Endpoint } from "../endpoint.ts";
import { readForm } from "../read-body.ts";
import { explainIssue } from "../schemas/explain-issue.ts";
import { tokenReference } from "../schemas/token.ts";

export const revokeEndpoint = (broker: Broker): Endpoint => ({
  method: "post",
  path: "/revoke",
  operation: "revokeToken",
  summary: "Have a credential killed by whoever holds it",
  shape: "token",
  access: "anyone",
  form: tokenReference,
  answers: { 200: { description: "Taken, durably; or there was nothing to revoke" } },
  async handle({ request, requestId }) {
    const form = await readForm(request);
    if (!form.ok) return form;
    const parsed = tokenReference.safeParse(form.value);
    if (!parsed.success) return err(explainIssue(parsed.error, form.value, tokenReference));
    const revoked = await broker.revokeToken({ token: new Redacted(parsed.data.token, "token"), requestId });
    return revoked.ok ? ok({ status: 200 }) : revoked;
  },
});
