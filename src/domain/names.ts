/** Names of policy resources: lower-case DNS labels with dots, at most 63 characters. */
import { brand, type Brand } from "../kernel/brand.ts";

export type AgentName = Brand<string, "AgentName">;
export type TemplateName = Brand<string, "TemplateName">;
export type ProviderName = Brand<string, "ProviderName">;
export type IssuerName = Brand<string, "IssuerName">;
/** `provider` or `provider/system`: the fairness and failure unit of revocation, known from configuration only. */
export type TargetName = Brand<string, "TargetName">;

export const namePattern = /^[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?$/;

export const isName = (text: string): boolean => namePattern.test(text);

export function parseName<N extends AgentName | TemplateName | ProviderName | IssuerName>(text: string): N | undefined {
  return isName(text) ? (text as N) : undefined;
}

export const targetName = (provider: ProviderName, system?: string): TargetName =>
  brand<TargetName>(system === undefined ? provider : `${provider}/${system}`);
