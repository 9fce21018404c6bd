/** `POST /introspect` (RFC 7662): a resource server asks whether a token for one of its audiences is alive. */
import type { Broker } from "../../broker/broker.ts";
import { Redacted } from "../../kernel/redacted.ts";
import { err, ok } from "../../kernel/result.ts";
import type { Endpoint } from "../endpoint.ts";
import { readForm } from "../read-body.ts";
import { explainIssue } from "../schemas/explain-issue.ts";
import { introspection, tokenReference } from "../schemas/token.ts";

export const introspectEndpoint = (broker: Broker): Endpoint => ({
  method: "post",
  path: "/introspect",
  operation: "introspectToken",
  summary: "Ask whether a token is alive (role resource)",
  shape: "bearer",
  access: "attested",
  form: tokenReference,
  answers: { 200: { description: "Inactive at once when the task has ended", schema: introspection } },
  async handle(call, caller) {
    const form = await readForm(call.request);
    if (!form.ok) return form;
    const parsed = tokenReference.safeParse(form.value);
    if (!parsed.success) return err(explainIssue(parsed.error, form.value, tokenReference));
    const found = await broker.introspectToken(caller, new Redacted(parsed.data.token, "token"));
    if (!found.ok) return found;
    if (!found.value.active) return ok({ status: 200, json: { active: false } });
    return ok({ status: 200, json: { ...found.value.claims, token_type: "Bearer", active: true } });
  },
});
