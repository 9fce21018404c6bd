/** The provider kit of test/kit/provider-vault-openbao-postgres.test.ts, against the same servers, with the providers in workerd. */
import { putProvidersIntoWorkerd } from "../support/worker/providers-in-workerd.ts";

putProvidersIntoWorkerd();
await import("../kit/provider-vault-openbao-postgres.test.ts");
