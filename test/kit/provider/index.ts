/**
 * The conformance kit as others import it (`mayfly/provider-kit`): for the tests of a provider that is not in this
 * repository. `createTestTools` is what a provider is handed, on real parts; `startFaultProxy` breaks the path to a system.
 */
export { describeProvider } from "./describe-provider.ts";
export type { BreakablePath, MintedLease, ProviderHarness, ProviderSystem, ProviderTraits } from "./harness.ts";
export { startFaultProxy, type Break, type FaultProxy } from "../../support/fault-proxy.ts";
export { createProvider, createTestTools, type TestTools } from "../../support/provider-tools.ts";
