/** The people around a broker, over HTTP: its agent, its orchestrator, its operator. */
import type { TaskAnswer } from "../../../src/http/schemas/task.ts";
import type { TokenAnswer } from "../../../src/http/schemas/token.ts";
import type { BrokerProcess } from "./broker-process.ts";

export interface Answered<Body> {
  readonly status: number;
  readonly body: Body;
}
export interface Refusal {
  readonly error?: string;
  readonly reason?: string;
}

export interface TaskWish {
  readonly deadlineSeconds?: number;
  readonly heartbeatSeconds?: number;
  readonly parent?: string;
}
export interface ExchangeWish {
  readonly template: string;
  readonly taskId?: string;
  readonly replaces?: string;
  readonly key?: string;
}
export interface AuditLine {
  readonly sequence: number;
  readonly type: string;
  readonly task_id: string | null;
}

const boundMillis = 60_000;
const paceMillis = 50;

export type Client = ReturnType<typeof createClient>;

export function createClient(broker: Pick<BrokerProcess, "publicUrl" | "adminUrl">, attest: (who: string) => string) {
  async function call<Body>(url: string, who: string | null, init: RequestInit = {}): Promise<Answered<Body>> {
    const headers = new Headers(init.headers);
    if (who !== null) headers.set("authorization", `Bearer ${attest(who)}`);
    if (typeof init.body === "string") headers.set("content-type", "application/json");
    const answer = await fetch(url, { ...init, headers });
    return { status: answer.status, body: (await answer.json()) as Body };
  }
  /** Asks again while the ledger's store is away, as it is for moments after its master died; anything else is told. */
  async function read<Body>(url: string): Promise<Body> {
    const until = performance.now() + boundMillis;
    for (;;) {
      const { status, body } = await call<Body>(url, "security-desk");
      if (status === 200) return body;
      if (status !== 503 || performance.now() > until) throw new Error(`${url} was answered ${status}`);
      await new Promise((resolve) => setTimeout(resolve, paceMillis));
    }
  }
  const post = <Body>(url: string, who: string, body: object, headers: Record<string, string> = {}) =>
    call<Body>(url, who, { method: "POST", headers, body: JSON.stringify(body) });

  return {
    async openTask(wish: TaskWish = {}): Promise<string> {
      const { status, body } = await post<{ task_id: string }>(`${broker.publicUrl}/tasks`, "planner", {
        agent: "invoice-bot",
        templates: [{ template: "ledger-read" }, { template: "ledger-report" }],
        deadline_seconds: wish.deadlineSeconds ?? 3600,
        ...(wish.heartbeatSeconds === undefined ? {} : { heartbeat_seconds: wish.heartbeatSeconds }),
        ...(wish.parent === undefined ? {} : { parent_task_id: wish.parent }),
      });
      if (status !== 201) throw new Error(`opening a task was answered ${status}: ${JSON.stringify(body)}`);
      return body.task_id;
    },

    exchange(wish: ExchangeWish): Promise<Answered<TokenAnswer & Refusal>> {
      const form = new URLSearchParams({
        grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
        subject_token: attest("invoice-bot"),
        subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
        scope: wish.template,
        ...(wish.taskId === undefined ? {} : { task_id: wish.taskId }),
        ...(wish.replaces === undefined ? {} : { replaces: wish.replaces }),
      });
      const headers: Record<string, string> = wish.key === undefined ? {} : { "Idempotency-Key": wish.key };
      return call(`${broker.publicUrl}/token`, null, { method: "POST", headers, body: form });
    },

    endTask: (taskId: string) =>
      post<TaskAnswer>(`${broker.publicUrl}/tasks/${taskId}/end`, "planner", { outcome: "completed" }),

    /** With a wait, answers at the next change of the task or of one of its credentials. */
    readTask: (taskId: string, waitSeconds = 0) =>
      call<TaskAnswer>(`${broker.publicUrl}/tasks/${taskId}`, "security-desk", {
        headers: waitSeconds === 0 ? {} : { prefer: `wait=${waitSeconds}` },
      }),

    kill: (scope: object) =>
      post<Refusal>(`${broker.adminUrl}/admin/kill`, "security-desk", { scope, reason: "crash test" }),

    async openDoor(scope: string): Promise<void> {
      const url = `${broker.adminUrl}/admin/doors?scope=${scope}`;
      const { status } = await fetch(url, {
        method: "DELETE",
        headers: { authorization: `Bearer ${attest("security-desk")}` },
      });
      if (status !== 204) throw new Error(`opening the door ${scope} was answered ${status}`);
    },

    /** After a place that `auditHead` told, or from the beginning. */
    async audit(after?: string): Promise<readonly AuditLine[]> {
      const lines: AuditLine[] = [];
      for (let query = after === undefined ? "" : `?after=${after}`; ;) {
        const { entries, next } = await read<AuditPage>(`${broker.adminUrl}/audit/entries${query}`);
        if (entries.length === 0) return lines;
        lines.push(...entries);
        query = `?after=${next}`;
      }
    },

    async auditHead(): Promise<string> {
      return (await read<Pick<AuditPage, "next">>(`${broker.adminUrl}/audit/head`)).next;
    },
  };
}

interface AuditPage {
  readonly entries: readonly AuditLine[];
  readonly next: string;
}
