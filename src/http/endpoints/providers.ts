/** Providers: what each can do, a round with a credential that nobody gets, and a comparison with the ledger. */
import type { HonoRequest } from "hono";
import type { Broker } from "../../broker/broker.ts";
import type { ProviderReport } from "../../broker/operate/providers.ts";
import type { ProviderTest, TestNews, TestStep } from "../../broker/operate/test-provider.ts";
import type { Capabilities, TtlCapability } from "../../domain/capabilities.ts";
import type { ProviderName, TemplateName } from "../../domain/names.ts";
import { brand } from "../../kernel/brand.ts";
import { ok } from "../../kernel/result.ts";
import { toRfc3339 } from "../../kernel/time.ts";
import type { Endpoint } from "../endpoint.ts";
import { readJson } from "../read-body.ts";
import { lineType } from "../respond.ts";
import {
  providerDriftAnswer,
  providerDriftBody,
  providersAnswer,
  providerTestAnswer,
  providerTestBody,
  providerTestLine,
  type ProviderAnswer,
  type TestStepAnswer,
} from "../schemas/providers.ts";

export const providerEndpoints = (broker: Broker): readonly Endpoint[] => [
  {
    method: "get",
    path: "/admin/providers",
    operation: "listProviders",
    summary: "What each provider can do, whether it answers, and whether its kill was seen to work",
    shape: "problem",
    access: { operatorMay: ["read"] },
    answers: { 200: { description: "All of them", schema: providersAnswer } },
    async handle(_call, caller) {
      const providers = await broker.listProviders(caller);
      return providers.ok ? ok({ status: 200, json: { providers: providers.value.map(answerOf) } }) : providers;
    },
  },
  testEndpoint(broker),
  driftEndpoint(broker),
];

const testEndpoint = (broker: Broker): Endpoint => ({
  method: "post",
  path: "/admin/providers/test",
  operation: "testProvider",
  summary: "Mint, use, kill and use again a credential of a template, which nobody gets",
  shape: "problem",
  access: { operatorMay: ["policy"] },
  json: providerTestBody,
  answers: {
    200: {
      description: `The steps that were taken, with their times; who accepts ${lineType} is told of each as it comes`,
      schema: providerTestAnswer,
      line: providerTestLine,
    },
  },
  async handle(call, caller) {
    const body = await readJson(call.request, providerTestBody);
    if (!body.ok) return body;
    const { provider, template, parameters = {} } = body.value;
    const names = { provider: brand<ProviderName>(provider), template: brand<TemplateName>(template) };
    const round = broker.testProvider(caller, { ...names, parameters });
    if (!round.ok) return round;
    const run = async (tell?: (news: TestNews) => void) => testAnswerOf(provider, await round.value.run(tell));
    if (!wantsLines(call.request)) return ok({ status: 200, json: await run() });
    return ok({ status: 200, lines: async (tell) => tell(await run((news) => tell(newsLine(news)))) });
  },
});

const wantsLines = (request: HonoRequest): boolean => request.header("accept")?.includes(lineType) === true;

const testAnswerOf = (provider: string, { leaseId, killSeen, steps }: ProviderTest) => ({
  provider,
  ...(leaseId !== null && { lease_id: leaseId }),
  passed: steps.every(({ outcome }) => outcome !== "failed"),
  kill_seen: killSeen,
  steps: steps.map(stepAnswerOf),
});

const newsLine = (news: TestNews): object => ("ended" in news ? { ended: stepAnswerOf(news.ended) } : news);

const stepAnswerOf = ({ name, fix, ...step }: TestStep): TestStepAnswer => ({
  step: name,
  ...step,
  ...(fix !== null && { fix }),
});

const driftEndpoint = (broker: Broker): Endpoint => ({
  method: "post",
  path: "/admin/providers/drift",
  operation: "compareProvider",
  summary: "Compare what lives at a provider with the ledger, now, and end what does not belong there",
  shape: "problem",
  access: { operatorMay: ["kill"] },
  json: providerDriftBody,
  answers: { 200: { description: "What was found and done", schema: providerDriftAnswer } },
  async handle(call, caller) {
    const body = await readJson(call.request, providerDriftBody);
    if (!body.ok) return body;
    const report = await broker.compareProvider(caller, brand<ProviderName>(body.value.provider));
    if (!report.ok) return report;
    const { provider, found, strays, undone, missing, unfinished } = report.value;
    const json = {
      provider,
      found,
      strays_ended: strays.ended,
      strays_young: strays.young,
      strays_not_ended: strays.notEnded,
      undone,
      missing,
      ...(unfinished !== null && { unfinished }),
    };
    return ok({ status: 200, json });
  },
});

const answerOf = (report: ProviderReport): ProviderAnswer => ({
  provider: report.name,
  type: report.type,
  reachable: report.problem === null,
  ...(report.problem !== null && { problem: report.problem }),
  kill: report.kill.kind,
  ...(report.kill.kind === "seen" && { kill_seen_at: toRfc3339(report.kill.at) }),
  ...(report.comparedAt !== null && { compared_at: toRfc3339(report.comparedAt) }),
  held: report.held,
  capabilities: capabilitiesOf(report.capabilities),
});

const capabilitiesOf = (of: Capabilities): ProviderAnswer["capabilities"] => ({
  ttl: ttlText(of.ttl),
  handle: of.handle,
  revocation: of.revocation.kind,
  ...(of.revocation.kind === "eventual" && { settle_seconds: of.revocation.settleSeconds }),
  native_expiry: of.nativeExpiry,
  probe: of.probe,
  kills_open_sessions: of.killsOpenSessions,
  listable: of.listable,
  renewable: of.renewable,
  needs_secret_to_revoke: of.needsSecretToRevoke,
  binds_to_key: of.bindsToKey,
});

const ttlText = (ttl: TtlCapability): string =>
  ttl.kind === "chosen"
    ? `${ttl.minSeconds}-${ttl.maxSeconds} s`
    : `the system decides, at most ${ttl.assumedMaxSeconds} s`;
