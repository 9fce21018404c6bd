/**
 * The simulated systems where credentials live, with the truth about each. A fake, allowed only because no real server
 * can be made to lose answers, lie, hang or be slow on demand; what real servers do is tested by the provider kit.
 */
import type { LeaseId } from "../../../src/kernel/ids.ts";
import { credentialClasses, type ClassName } from "./classes.ts";
import type { SimTime } from "./time.ts";

export interface CloudCredential {
  readonly id: string;
  readonly kind: ClassName;
  /** Only the truth knows it for all classes; a provider uses its name, its id or its value, as its class allows. */
  readonly leaseId: LeaseId;
  readonly value: string;
  readonly bornAt: number;
  /** When the system's own rule ends it, by the system's clock; null where it never does. */
  readonly expiresAt: number | null;
  /** The system granted more than was asked, or for longer. */
  readonly generous: Generosity;
  /** When a revocation takes effect. */
  deadAt: number | null;
}

export type Generosity = "no" | "wider" | "longer";

export interface Cloud {
  create(fact: CreateRequest): CloudCredential;
  byLease(leaseId: LeaseId): CloudCredential | undefined;
  byId(id: string): CloudCredential | undefined;
  byValue(value: string): CloudCredential | undefined;
  all(): Iterable<CloudCredential>;
  isAlive(credential: CloudCredential): boolean;
  /** Whether the system's lists show it yet. */
  isVisible(credential: CloudCredential): boolean;
  revoke(credential: CloudCredential): void;
  /** The system confirms a revocation that it does not carry out. */
  lie(leaseId: LeaseId): void;
  /** A look at the credential showed the lie. */
  admit(leaseId: LeaseId): void;
  liedAbout(leaseId: LeaseId): boolean;
  /** An agent presents a value. */
  accepts(value: string): boolean;
  /** Leases whose credentials changed since the last call. */
  takeChanged(): readonly LeaseId[];
}

export type CreateRequest = Pick<CloudCredential, "kind" | "leaseId" | "value" | "generous"> & {
  readonly lifetime: number;
};

export function createCloud(time: SimTime, skew: number): Cloud {
  const credentials = new Map<string, CloudCredential>();
  const ofLease = new Map<LeaseId, CloudCredential>();
  const ofValue = new Map<string, CloudCredential>();
  const changed = new Set<LeaseId>();
  const lies = new Set<LeaseId>();
  const now = (): number => time.physical();

  const isAlive = (credential: CloudCredential): boolean => {
    if (credential.deadAt !== null && now() >= credential.deadAt) return false;
    const endsByItself = credentialClasses[credential.kind].nativeExpiry === "full";
    return !endsByItself || credential.expiresAt === null || now() < credential.expiresAt;
  };

  return {
    isAlive,
    create({ kind, leaseId, value, lifetime, generous }) {
      const expiresAt = credentialClasses[kind].nativeExpiry === "none" ? null : now() + lifetime + skew;
      const id = `c${credentials.size + 1}`;
      const credential = { id, kind, leaseId, value, bornAt: now(), expiresAt, generous, deadAt: null };
      if (ofLease.has(leaseId)) throw new Error("two mints for one lease");
      credentials.set(id, credential);
      ofLease.set(leaseId, credential);
      ofValue.set(value, credential);
      changed.add(leaseId);
      return credential;
    },
    byLease: (leaseId) => ofLease.get(leaseId),
    byId: (id) => credentials.get(id),
    byValue: (value) => ofValue.get(value),
    all: () => credentials.values(),
    isVisible: (credential) => now() >= credential.bornAt + credentialClasses[credential.kind].settleMillis,
    revoke(credential) {
      const effectiveAt = now() + credentialClasses[credential.kind].settleMillis;
      credential.deadAt = Math.min(credential.deadAt ?? effectiveAt, effectiveAt);
      changed.add(credential.leaseId);
    },
    lie: (leaseId) => void lies.add(leaseId),
    admit: (leaseId) => void lies.delete(leaseId),
    liedAbout: (leaseId) => lies.has(leaseId),
    accepts(value) {
      const credential = ofValue.get(value);
      return credential !== undefined && isAlive(credential);
    },
    takeChanged() {
      const taken = [...changed];
      changed.clear();
      return taken;
    },
  };
}
