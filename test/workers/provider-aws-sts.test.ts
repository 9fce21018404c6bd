/** The provider kit of test/kit/provider-aws-sts.test.ts, against the same servers, with the providers in workerd. */
import { putProvidersIntoWorkerd } from "../support/worker/providers-in-workerd.ts";

putProvidersIntoWorkerd();
await import("../kit/provider-aws-sts.test.ts");
