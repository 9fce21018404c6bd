/** All that the verbs of this provider work with, made from its options; makes no request. */
import type { ScopeFault } from "../../src/domain/scope-template.ts";
import { mintTimeoutMillis } from "../../src/kernel/limits.ts";
import { err, ok, type Result } from "../../src/kernel/result.ts";
import { millis, type EpochMillis } from "../../src/kernel/time.ts";
import type { ProbeAnswer, ProbeRequest, ProviderTools } from "../../src/ports/provider.ts";
import { createBrokerToken, type BrokerToken } from "./broker-token.ts";
import { iamTimeoutMillis } from "./denied-since.ts";
import { createIam, type Iam } from "./iam.ts";
import { createLogin, type LoginSource } from "./login.ts";
import { createManagedPolicies, type ManagedPolicies } from "./managed-policies.ts";
import type { AwsStsOptions, Login } from "./options.ts";
import { createOverflow } from "./overflow.ts";
import { createOverflowPolicy, overflowOwner, type OverflowPolicy } from "./overflow-policy.ts";
import { probeAwsSts } from "./probe.ts";
import { createRewrite } from "./rewrite.ts";
import { createRoom, type Room } from "./room.ts";
import { createSts, createTokenExchange, type Sts } from "./sts.ts";
import { createTransport } from "./transport.ts";
import { createDenyWriter, type DenyWriter } from "./writer.ts";

export interface Client {
  readonly options: AwsStsOptions;
  readonly sts: Sts;
  readonly iam: Iam;
  readonly brokerToken: BrokerToken;
  readonly room: Room;
  readonly writer: DenyWriter;
  readonly managed: ManagedPolicies;
  /** Undefined where none is configured. */
  readonly overflowPolicy: OverflowPolicy | undefined;
  /** Of the broker's one inline policy in each role. */
  readonly policyName: string;
  readonly probe: ((request: ProbeRequest) => Promise<ProbeAnswer>) | undefined;
  readonly now: () => EpochMillis;
}

export async function createClient(options: AwsStsOptions, tools: ProviderTools): Promise<Result<Client, ScopeFault>> {
  const { endpoints, region } = options;
  const { now } = tools;
  const brokerToken = createBrokerToken(options, tools);
  const loginTransport = createTransport(tools, iamTimeoutMillis);
  const exchange = createTokenExchange({ endpoint: endpoints.sts, region, transport: loginTransport });
  const loginTools = { resolveSecret: tools.resolveSecret, now, exchange, brokerToken, sessionName: "mayfly" };
  const login = async (path: string, wanted: Login): Promise<Result<LoginSource, ScopeFault>> => {
    const made = await createLogin(wanted, loginTools);
    return made.ok ? made : err({ ...made.fault, path: `${path}.${made.fault.path}` });
  };
  const minterLogin = await login("minter", options.minter);
  if (!minterLogin.ok) return minterLogin;
  const revokerLogin = await login("revoker", options.revoker);
  if (!revokerLogin.ok) return revokerLogin;
  const sts = createSts({
    endpoint: endpoints.sts,
    region,
    transport: createTransport(tools, millis(mintTimeoutMillis)),
    login: minterLogin.value,
  });
  const iamTools = {
    endpoint: endpoints.iam,
    region: endpoints.iamRegion,
    transport: createTransport(tools, iamTimeoutMillis),
    login: revokerLogin.value,
  };
  const iam = createIam(iamTools);
  const managed = createManagedPolicies(iamTools);
  const policyName = policyNameOf(tools);
  const { overflowPolicy: pattern } = options;
  const overflowPolicy =
    pattern === undefined
      ? undefined
      : createOverflowPolicy({ pattern, policies: managed, owner: overflowOwner(tools) });
  const room = createRoom({ options, iam, overflowPolicy, policyName, now });
  const overflow = createOverflow(overflowPolicy);
  const rewrite = createRewrite({ options, iam, room, overflow, ledger: tools.ledger, policyName, now });
  const { probe: object } = options;
  return ok({
    options,
    sts,
    iam,
    brokerToken,
    room,
    managed,
    overflowPolicy,
    writer: createDenyWriter({ rewrite, now, after: tools.after, interval: options.writeInterval }),
    policyName,
    probe: object === undefined ? undefined : (request) => probeAwsSts(object, { ...tools, region }, request),
    now,
  });
}

/** Another broker's policies of the same role, and another provider's of this one, have other names. */
const policyNameOf = ({ name, ledger }: ProviderTools): string => `MayflyRevocations-${ledger.mark}-${name}`;
