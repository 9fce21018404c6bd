/** Issues, each killed at every call: of the OAuth server's tokens, of the broker's own, and in their special forms. */
import type { Client } from "./client.ts";
import { fromOAuth, ownToken } from "./policy.ts";
import { deliver, type Prepared, type Scenario } from "./scenario.ts";

const common = {
  lastCall: "ledger.completeMint",
  killsAtReads: false,
  endsAll: false,
};

const openTask = async (people: Client): Promise<Prepared> => ({ taskId: await people.openTask(), delivered: [] });
const noTask = async (): Promise<Prepared> => ({ taskId: "", delivered: [] });
const retryKey = "one-request";

export const issueScenarios: readonly Scenario[] = [
  {
    ...common,
    name: "issue-oauth",
    about: "a token of the OAuth server, for a task",
    killsAtReads: true,
    prepare: openTask,
    step: (people, { taskId }) => people.exchange({ template: fromOAuth, taskId }),
  },
  {
    ...common,
    name: "issue-own",
    about: "a token of the broker's own, for a task",
    prepare: openTask,
    step: (people, { taskId }) => people.exchange({ template: ownToken, taskId }),
  },
  {
    ...common,
    name: "issue-oauth-automatic",
    about: "a token of the OAuth server, with a task opened for it",
    prepare: noTask,
    step: (people) => people.exchange({ template: fromOAuth }),
  },
  {
    ...common,
    name: "issue-own-automatic",
    about: "a token of the broker's own, with a task opened for it",
    prepare: noTask,
    step: (people) => people.exchange({ template: ownToken }),
  },
  {
    ...common,
    name: "issue-oauth-idempotent",
    about: "a token of the OAuth server under an Idempotency-Key, asked for again after the restart",
    prepare: openTask,
    step: (people, { taskId }) => people.exchange({ template: fromOAuth, taskId, key: retryKey }),
    comeBack: repeatUnderItsKey,
    alsoExpect: ({ reports }) =>
      reports.size <= 1 ? [] : [`one key made ${reports.size} leases: a repeat must never mint a second time`],
  },
  {
    ...common,
    name: "issue-oauth-replacing",
    about: "a token of the OAuth server in the place of an older one",
    async prepare(people) {
      const taskId = await people.openTask();
      return { taskId, delivered: [await deliver(people, fromOAuth, taskId)] };
    },
    step: (people, { taskId, delivered }) =>
      people.exchange({ template: fromOAuth, taskId, replaces: delivered[0]?.leaseId ?? "" }),
    alsoExpect({ reports, living }, { delivered }) {
      const old = delivered[0]?.token ?? "";
      const isReplaced = reports.size > 1;
      if (living.has(old) === !isReplaced) return [];
      return [isReplaced ? "the replaced token lives" : "a token died though nothing took its place"];
    },
  },
];

/** Without an intent from before the crash it is a first request; with one, its value is gone for ever. */
async function repeatUnderItsKey(people: Client, { taskId }: Prepared): Promise<void> {
  const wasIntended = (await people.audit()).some((line) => line.type === "lease.intended" && line.task_id === taskId);
  const { status, body } = await people.exchange({ template: fromOAuth, taskId, key: retryKey });
  const isRight = wasIntended
    ? status === 503 || (status === 400 && body.reason === "already_delivered")
    : status === 200;
  if (!isRight)
    throw new Error(`a repeat ${wasIntended ? "after" : "without"} an intent was answered ${status} ${body.reason}`);
}
