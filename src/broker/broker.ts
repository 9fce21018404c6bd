/** The use cases behind one object: what the HTTP layer and the command line are written against. */
import type { Redacted } from "../kernel/redacted.ts";
import type { LeaseId, RequestId } from "../kernel/ids.ts";
import { millis } from "../kernel/time.ts";
import { identifyCaller } from "./callers/identify.ts";
import { brokerCause } from "./cause.ts";
import { issueCredential } from "./issue/issue-credential.ts";
import type { IssueRequest } from "./issue/request.ts";
import { introspectToken } from "./leases/introspect-token.ts";
import { deleteLease, readLease } from "./leases/read-lease.ts";
import { revokeToken } from "./leases/revoke-token.ts";
import { surrender } from "./leases/surrender.ts";
import { listDoors, openDoor } from "./operate/doors.ts";
import { blastRadius, kill } from "./operate/kill.ts";
import { acceptClock, auditHead, listAudit, listStuck, listTargets, setTargetPaused } from "./operate/observe.ts";
import { compareProvider, listProviders } from "./operate/providers.ts";
import { testProvider } from "./operate/test-provider.ts";
import { retryStuck, retryTarget } from "./operate/retry.ts";
import { readiness } from "./operate/readiness.ts";
import type { BrokerParts, Caller } from "./parts.ts";
import { endTask, readTask, type EndRequest } from "./tasks/end-task.ts";
import { heartbeat } from "./tasks/heartbeat.ts";
import { openTask, type OpenTaskRequest } from "./tasks/open-task.ts";

export type Broker = ReturnType<typeof createBroker>;

export function createBroker(parts: BrokerParts) {
  type Args<F> = F extends (parts: never, ...rest: infer R) => unknown ? R : never;
  return {
    issuerUrl: parts.issuerUrl,
    /** For reports. */
    couldLose: parts.couldLose,
    newRequestId: () => parts.ids.request(),
    /** Every endpoint but `/token` and `/revoke` starts here. */
    identify: (request: { attestation: Redacted; requestId: RequestId }) =>
      identifyCaller(parts, parts.policy(), request),

    issue: (request: IssueRequest) => issueCredential(parts, request),
    /** The client was gone before the answer was written. */
    undelivered: (leaseId: LeaseId, requestId: RequestId) =>
      surrender(parts, { leaseId, killCause: "undelivered", delay: millis(0), cause: brokerCause(requestId) }),

    openTask: (caller: Caller, request: OpenTaskRequest) => openTask(parts, parts.policy(), caller, request),
    heartbeat: (...args: Args<typeof heartbeat>) => heartbeat(parts, ...args),
    readTask: (...args: Args<typeof readTask>) => readTask(parts, ...args),
    endTask: (caller: Caller, request: EndRequest) => endTask(parts, caller, request),

    readLease: (...args: Args<typeof readLease>) => readLease(parts, ...args),
    deleteLease: (...args: Args<typeof deleteLease>) => deleteLease(parts, ...args),
    revokeToken: (...args: Args<typeof revokeToken>) => revokeToken(parts, ...args),
    introspectToken: (...args: Args<typeof introspectToken>) => introspectToken(parts, ...args),

    blastRadius: (...args: Args<typeof blastRadius>) => blastRadius(parts, ...args),
    kill: (...args: Args<typeof kill>) => kill(parts, ...args),
    listDoors: (...args: Args<typeof listDoors>) => listDoors(parts, ...args),
    openDoor: (...args: Args<typeof openDoor>) => openDoor(parts, ...args),
    listProviders: (...args: Args<typeof listProviders>) => listProviders(parts, ...args),
    testProvider: (...args: Args<typeof testProvider>) => testProvider(parts, ...args),
    compareProvider: (...args: Args<typeof compareProvider>) => compareProvider(parts, ...args),
    listTargets: (...args: Args<typeof listTargets>) => listTargets(parts, ...args),
    setTargetPaused: (...args: Args<typeof setTargetPaused>) => setTargetPaused(parts, ...args),
    retryTarget: (...args: Args<typeof retryTarget>) => retryTarget(parts, ...args),
    retryStuck: (...args: Args<typeof retryStuck>) => retryStuck(parts, ...args),
    listStuck: (...args: Args<typeof listStuck>) => listStuck(parts, ...args),
    listAudit: (...args: Args<typeof listAudit>) => listAudit(parts, ...args),
    auditHead: (...args: Args<typeof auditHead>) => auditHead(parts, ...args),
    acceptClock: (...args: Args<typeof acceptClock>) => acceptClock(parts, ...args),

    readiness: () => readiness(parts),
    publicKeys: () => parts.signer.publicKeys(),
  };
}
