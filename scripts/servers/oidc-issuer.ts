/**
 * A real OIDC issuer (the oidc-provider package) as the place where identities come from. A workload authenticates and
 * gets a signed JWT whose audience is the broker: its attestation. The token's `typ` is `at+jwt`, so a TrustedIssuer
 * that takes it lists that under `types`; `sub` is the workload's id.
 */
import { startOidcProvider, type RunningServer } from "./oidc-provider.ts";

export interface OidcIssuerOptions {
  readonly port?: number;
  /** The brokers that workloads may ask attestations for. */
  readonly audiences: readonly string[];
  readonly workloads: readonly { readonly id: string; readonly secret: string }[];
  readonly lifetimeSeconds: number;
}

export interface OidcIssuer extends RunningServer {
  /** Asks the issuer, over HTTP, for a fresh attestation of this workload. */
  attest(workloadId: string, audience?: string): Promise<string>;
}

export async function startOidcIssuer(options: OidcIssuerOptions): Promise<OidcIssuer> {
  const { paths, ...server } = await startOidcProvider({
    ...(options.port === undefined ? {} : { port: options.port }),
    clients: options.workloads.map((workload) => ({ ...workload, method: "client_secret_basic" })),
    resources: options.audiences.map((url) => ({
      url,
      scopes: ["attestation"],
      format: "jwt",
      ttlSeconds: options.lifetimeSeconds,
    })),
  });
  return {
    ...server,
    async attest(workloadId, audience = options.audiences[0] ?? "") {
      const workload = options.workloads.find(({ id }) => id === workloadId);
      if (workload === undefined) throw new Error(`the issuer knows no workload ${workloadId}`);
      const answer = await fetch(`${server.url}${paths.token}`, {
        method: "POST",
        headers: { authorization: `Basic ${btoa(`${workload.id}:${workload.secret}`)}` },
        body: new URLSearchParams({ grant_type: "client_credentials", resource: audience, scope: "attestation" }),
      });
      const body = (await answer.json()) as { access_token?: string };
      if (body.access_token === undefined) throw new Error(`the issuer answered ${answer.status}`);
      return body.access_token;
    },
  };
}
