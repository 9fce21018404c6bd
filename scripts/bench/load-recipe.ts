/** What the load generator sends to a contender, made before a round begins. */
import { encodeHeader, privateKeyOf, signToken, type KeyPair } from "./es256.ts";
import { agentCount, agentName, createAttester, template } from "./world.ts";

export type Recipe =
  | {
      readonly kind: "exchange";
      readonly key: KeyPair;
      /** One task an agent; none for a contender that knows no tasks. */
      readonly tasks: readonly string[];
      /** New attestations each time, or one an agent for ever. */
      readonly fresh: boolean;
    }
  | {
      readonly kind: "client-credentials";
      readonly key: KeyPair;
      readonly clientId: string;
      readonly issuer: string;
      readonly resource: string;
      readonly scope: string;
    };

/** One closed or open loop. */
export interface LoadResult {
  readonly answered: number;
  readonly perSecond: number;
  readonly p50Millis: number;
  readonly p99Millis: number;
}

/** Makes request bodies, each good for one request, or for any number where nothing in it is used up. */
export function createBodies(recipe: Recipe): (count: number) => readonly string[] {
  return recipe.kind === "exchange" ? exchangeBodies(recipe) : clientBodies(recipe);
}

const form = (parameters: Readonly<Record<string, string>>): string => new URLSearchParams(parameters).toString();

function exchangeBodies({ key, tasks, fresh }: Extract<Recipe, { kind: "exchange" }>) {
  const attest = createAttester(key);
  let made = 0;
  const bodyOf = (index: number): string => {
    const agent = index % agentCount;
    const task = tasks[agent];
    return form({
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
      subject_token: attest(agentName(agent), `token-${index}`),
      scope: template,
      ...(task !== undefined && { task_id: task }),
    });
  };
  const reused = fresh ? [] : Array.from({ length: agentCount }, (_, index) => bodyOf(index));
  return (count: number): readonly string[] => {
    if (!fresh) return Array.from({ length: count }, (_, index) => reused[index % agentCount] ?? "");
    return Array.from({ length: count }, () => bodyOf((made += 1)));
  };
}

function clientBodies(recipe: Extract<Recipe, { kind: "client-credentials" }>) {
  const { key, clientId, issuer, resource, scope } = recipe;
  const header = encodeHeader({ alg: "ES256", typ: "JWT", kid: key.keyId });
  const privateKey = privateKeyOf(key);
  let made = 0;
  const bodyOf = (): string => {
    const now = Math.floor(Date.now() / 1000);
    made += 1;
    const claims = { iss: clientId, sub: clientId, aud: issuer, iat: now, exp: now + 300, jti: `assertion-${made}` };
    return form({
      grant_type: "client_credentials",
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: signToken(header, claims, privateKey),
      resource,
      scope,
    });
  };
  return (count: number): readonly string[] => Array.from({ length: count }, bodyOf);
}
