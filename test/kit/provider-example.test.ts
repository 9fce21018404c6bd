/** The example of providers/README.md through the kit, all of it imported as another repository would. */
import {
  createProvider,
  createTestTools,
  describeProvider,
  startFaultProxy,
  type ProviderHarness,
} from "mayfly/provider-kit";
import { keysProviderType } from "./example-provider/provider.ts";
import { startKeyServer } from "./example-provider/key-server.ts";

const traits = {
  verdict: "dead-verified",
  systemRefuses: true,
  unknownVerdict: "dead-unverified",
  unseenVerdict: "already-gone",
  remote: true,
} as const;

describeProvider("the example", traits, async (): Promise<ProviderHarness> => {
  const [server, proxy, tools] = await Promise.all([startKeyServer(), startFaultProxy(), createTestTools()]);
  proxy.forwardTo(server.url);
  const keyOf = (credential: Parameters<ProviderHarness["system"]["use"]>[0]): string =>
    credential.kind === "bearer" ? credential.value.reveal() : "";
  return {
    provider: await createProvider(keysProviderType, { url: proxy.url }, tools),
    scope: { rights: ["read"] },
    parameters: {},
    system: {
      wantedScope: ["read"],
      use: async (credential) => (server.use(keyOf(credential)) === null ? "refused" : "accepted"),
      scopeOf: async (credential) => server.use(keyOf(credential)) ?? [],
    },
    path: { proxy, mint: "/mint", revoke: "/revoke", probe: "/look" },
    canaries: () => [],
    async close() {
      await Promise.all([tools.close(), proxy.close(), server.close()]);
    },
  };
});
