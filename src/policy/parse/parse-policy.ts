/**
 * A folder of YAML files to one policy, or to all of its faults at once. A set with any fault is never used: whoever
 * calls keeps the last good one. Nothing is read from elsewhere: secrets stay the references that the files hold.
 */
import type { AgentName, IssuerName, ProviderName, TemplateName } from "../../domain/names.ts";
import type { TrustedIssuer } from "../../domain/trusted-issuer.ts";
import { canonicalJson, type Json, type JsonObject } from "../../kernel/canonical-json.ts";
import { sha256 } from "../../kernel/digest.ts";
import { err, ok, type Result } from "../../kernel/result.ts";
import type { AgentProfile, CredentialTemplate, Guardrail, PolicySet, ProviderResource } from "../resources.ts";
import { crossCheck } from "./cross-check.ts";
import { compareFaults, faultAt, type Origin, type PolicyFault, type Problem } from "./fault.ts";
import { readAgent } from "./read-agent.ts";
import { readGuardrail } from "./read-guardrail.ts";
import { readIssuer } from "./read-issuer.ts";
import { readTemplate } from "./read-template.ts";
import type { Document } from "./reader.ts";
import { apiVersion, envelope, kinds, specs, type Kind, type SpecOf } from "./schemas.ts";
import { readShape } from "./shape.ts";
import { readDocuments, type PolicyFile, type YamlDocument } from "./yaml-documents.ts";

export interface ParsedPolicy {
  readonly policy: PolicySet;
  /** Legal, but probably not meant. */
  readonly warnings: readonly PolicyFault[];
}

/** Everything that was declared, faulty or not, so that a reference to a faulty resource is not a second fault. */
export interface Draft {
  readonly declared: Map<string, Origin>;
  /** False once a document could not even be named: then a missing name may be that one. */
  isComplete: boolean;
  readonly resources: Map<string, Json>;
  readonly issuers: Map<IssuerName, TrustedIssuer>;
  readonly agents: Map<AgentName, AgentProfile>;
  readonly providers: Map<ProviderName, ProviderResource>;
  readonly templates: Map<TemplateName, CredentialTemplate>;
  readonly guardrails: Guardrail[];
}

const maxResources = 5000;
const maxTotalLength = 16 * 1024 * 1024;

export async function parsePolicy(files: readonly PolicyFile[]): Promise<Result<ParsedPolicy, readonly PolicyFault[]>> {
  const faults: PolicyFault[] = [];
  const draft: Draft = {
    declared: new Map(),
    isComplete: true,
    resources: new Map(),
    issuers: new Map(),
    agents: new Map(),
    providers: new Map(),
    templates: new Map(),
    guardrails: [],
  };
  const documents = readFiles(files, faults);
  draft.isComplete = faults.length === 0;
  for (const document of documents) readResource(document, draft, faults);
  const checked = crossCheck(draft);
  faults.push(...checked.faults);
  if (faults.length > 0) return err(faults.sort(compareFaults));
  const { declared, resources, guardrails, issuers, agents, providers, templates } = draft;
  const digest = await sha256(canonicalJson([...resources.keys()].sort().map((key) => resources.get(key) ?? null)));
  const policy = {
    digest,
    issuers,
    agents,
    providers,
    templates,
    guardrails: guardrails.sort(byName),
    origins: declared,
  };
  return ok({ policy, warnings: [...checked.warnings].sort(compareFaults) });
}

const byName = (left: Guardrail, right: Guardrail): number => (left.name < right.name ? -1 : 1);

function readFiles(files: readonly PolicyFile[], faults: PolicyFault[]): YamlDocument[] {
  const about = (message: string, fix: string): void => {
    faults.push({ file: files[0]?.path ?? ".", line: 1, column: 1, path: "", message, fix });
  };
  const totalLength = files.reduce((sum, file) => sum + file.text.length, 0);
  if (totalLength > maxTotalLength) {
    about(`the policy is larger than ${maxTotalLength} characters`, "remove what is not policy from the folder");
    return [];
  }
  const documents = files.flatMap((file) => {
    const read = readDocuments(file);
    faults.push(...read.faults);
    return read.documents;
  });
  // An empty folder is a wrong path or a failed mount; taken as a policy, it would kill every lease.
  if (documents.length === 0 && faults.length === 0)
    about("there are no resources", "check the path, or add resources");
  if (documents.length > maxResources) about(`there are more than ${maxResources} resources`, "split the policy");
  return documents.slice(0, maxResources);
}

function readResource(document: YamlDocument, draft: Draft, faults: PolicyFault[]): void {
  const { value, origin } = document;
  const report = (problems: readonly Problem[]): void => {
    faults.push(...problems.map((problem) => faultAt(origin, problem)));
  };
  const head = readShape(envelope, value, []);
  if (!head.ok) {
    draft.isComplete = false;
    return report(head.fault.map(withVersionHelp));
  }
  const { kind, metadata } = head.value;
  const key = `${kind}/${metadata.name}`;
  const first = draft.declared.get(key);
  if (first !== undefined) {
    const { line } = first.at(["metadata", "name"], "value");
    const message = `there is another ${kind} of this name in ${first.file}, line ${line}`;
    return report([{ path: ["metadata", "name"], message, fix: "rename or remove one of them" }]);
  }
  draft.declared.set(key, origin);
  const spec = readShape(specs[kind], memberOf(value, "spec"), ["spec"]);
  if (!spec.ok) return report(spec.fault);
  draft.resources.set(key, { kind, name: metadata.name, spec: spec.value as JsonObject });
  const read = readers[kind](draft, { kind, name: metadata.name, spec: spec.value, origin });
  if (!read.ok) report(read.fault);
}

const memberOf = (value: Json, key: string): Json | undefined =>
  value !== null && typeof value === "object" && !Array.isArray(value) ? (value as JsonObject)[key] : undefined;

function withVersionHelp(problem: Problem): Problem {
  const field = problem.path.join(".");
  if (field === "apiVersion") return { ...problem, fix: `write apiVersion: ${apiVersion}` };
  if (field === "kind" && problem.message === "is missing")
    return { ...problem, fix: `write kind: one of ${kinds.join(", ")}` };
  return problem;
}

type Reader = (draft: Draft, document: Document) => Result<unknown, readonly Problem[]>;

/** The one place where a kind meets its reader; the shape of `spec` was checked for that kind just before. */
const readers: Readonly<Record<Kind, Reader>> = {
  TrustedIssuer: (draft, document) => keep(draft.issuers, readIssuer(narrow(document, "TrustedIssuer"))),
  AgentProfile: (draft, document) => keep(draft.agents, readAgent(narrow(document, "AgentProfile"))),
  Provider: (draft, document) => keep(draft.providers, readProvider(narrow(document, "Provider"))),
  CredentialTemplate: (draft, document) => keep(draft.templates, readTemplate(narrow(document, "CredentialTemplate"))),
  Guardrail: (draft, document) => {
    const read = readGuardrail(narrow(document, "Guardrail"));
    if (read.ok) draft.guardrails.push(read.value);
    return read;
  },
};

function narrow<K extends Kind>(document: Document, kind: K): Document<K> {
  return { ...document, kind, spec: document.spec as SpecOf<K> };
}

function keep<N, R extends { readonly name: N }>(map: Map<N, R>, read: Result<R, readonly Problem[]>) {
  if (read.ok) map.set(read.value.name, read.value);
  return read;
}

/** The options belong to the provider type, which parses them itself; policy keeps JSON and never resolves a secret. */
function readProvider(document: Document<"Provider">): Result<ProviderResource, readonly Problem[]> {
  const { type, ...options } = document.spec;
  return ok({ name: document.name as ProviderName, type, options: options as JsonObject });
}
