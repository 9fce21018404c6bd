/** Has the broker try stuck credentials again, a page at a time; counts those that it took up. */
import { err, ok, type Result } from "../kernel/result.ts";
import type { Api } from "./api.ts";
import { numberOf, optionalText } from "./fields.ts";
import type { Problem } from "./problem.ts";

export type RetryScope =
  | { readonly kind: "lease"; readonly id: string }
  | { readonly kind: "target"; readonly name: string }
  | { readonly kind: "all" };

export async function retryStuck(api: Api, scope: RetryScope): Promise<Result<number, Problem>> {
  let retried = 0;
  let after: string | undefined;
  do {
    // oxlint-disable-next-line no-await-in-loop -- each page begins where the one before ended
    const answer = await api({
      method: "POST",
      path: "/admin/stuck/retry",
      json: { scope, after },
      effect: { unchanged: "it is tried at its own pace", maybe: "some may be tried already; repeating it is safe" },
    });
    if (!answer.ok) return err(retried === 0 ? answer.fault : { ...answer.fault, unchanged: untold(retried) });
    retried += numberOf(answer.value, "retried");
    after = optionalText(answer.value, "next") ?? undefined;
  } while (after !== undefined);
  return ok(retried);
}

const untold = (retried: number): string => `${retried} are tried now, the rest at its own pace`;
