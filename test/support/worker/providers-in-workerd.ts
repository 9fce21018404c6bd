/** For a test file: its providers live in workerd. */
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll } from "vitest";
import { placeProviders } from "../provider-tools.ts";
import { createRemoteProvider } from "./remote-provider.ts";
import { startWorker, type RunningWorker } from "./workerd.ts";

const entry = fileURLToPath(new URL("provider-worker.ts", import.meta.url));

export function putProvidersIntoWorkerd(): void {
  let worker: RunningWorker;
  beforeAll(async () => {
    worker = await startWorker({ entry, objects: { PROVIDERS: "ProviderProbe" } });
  });
  afterAll(() => worker.close());
  placeProviders((type, options, tools) => createRemoteProvider(worker.url, type, options, tools));
}
