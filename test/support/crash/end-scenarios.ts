/** Ends, each killed at every call on its way from the closed gate to the dead credential. */
import type { Client } from "./client.ts";
import { fromOAuth, ownToken } from "./policy.ts";
import { deliver, type Prepared, type Scenario } from "./scenario.ts";

const common = {
  lastCall: "ledger.recordVerdict",
  killsAtReads: false,
  endsAll: true,
};

/** Passed in one leap, which must be shorter than the housekeeper rests: its work is no part of an end. */
const deadlineSeconds = 20;
/** Longer than a busy machine takes to fetch the credential, short enough to wait out the grace after a restart. */
const heartbeatSeconds = 3;

const withTask = (template: string, wish: Parameters<Client["openTask"]>[0] = {}): Scenario["prepare"] =>
  async function prepare(people) {
    const taskId = await people.openTask(wish);
    return { taskId, delivered: [await deliver(people, template, taskId)] };
  };
const end = (people: Client, { taskId }: Prepared): Promise<unknown> => people.endTask(taskId);
const endAgain = async (people: Client, { taskId }: Prepared): Promise<void> => {
  const { status, body } = await people.endTask(taskId);
  if (status !== 200 || body.state !== "ended") throw new Error(`a repeated end was answered ${status}, ${body.state}`);
};
const agentDoor = { kind: "agent", name: "invoice-bot" };

/** Someone asks, and asks again when no answer came. */
export const endScenarios: readonly Scenario[] = [
  {
    ...common,
    name: "end-task-oauth",
    about: "the end of a task with a token of the OAuth server",
    killsAtReads: true,
    prepare: withTask(fromOAuth),
    step: end,
    comeBack: endAgain,
  },
  {
    ...common,
    name: "end-task-own",
    about: "the end of a task with a token of the broker's own",
    prepare: withTask(ownToken),
    step: end,
    comeBack: endAgain,
  },
  {
    ...common,
    name: "end-agent-killed",
    about: "an operator's kill of the agent, which leaves its door closed",
    prepare: withTask(fromOAuth),
    step: (people) => people.kill(agentDoor),
    async comeBack(people) {
      const { status } = await people.kill(agentDoor);
      if (status !== 200) throw new Error(`a repeated kill was answered ${status}`);
      const refused = await people.exchange({ template: ownToken });
      if (refused.status === 200) throw new Error("a closed door let an exchange pass");
    },
    tidy: (people) => people.openDoor(`agent:${agentDoor.name}`),
  },
  {
    ...common,
    name: "end-parent",
    about: "the end of a parent task, with the token in its child",
    async prepare(people) {
      const taskId = await people.openTask();
      const child = await people.openTask({ parent: taskId });
      return { taskId, delivered: [await deliver(people, fromOAuth, child)] };
    },
    step: end,
    comeBack: endAgain,
  },
];

/** Nobody asks: time ends the task, and nobody repeats anything after the restart. */
export const lapseScenarios: readonly Scenario[] = [
  {
    ...common,
    name: "lapse-deadline",
    about: "a deadline that passes",
    prepare: withTask(fromOAuth, { deadlineSeconds }),
    step: (_, __, broker) => broker.order({ order: "advance", millis: (deadlineSeconds + 1) * 1000 }),
  },
  {
    ...common,
    name: "lapse-heartbeat",
    about: "a task that falls silent",
    prepare: withTask(fromOAuth, { heartbeatSeconds }),
    step: (_, __, broker) => broker.order({ order: "advance", millis: (heartbeatSeconds + 1) * 1000 }),
  },
  {
    ...common,
    name: "lapse-under-mint",
    killsFrom: "ledger.completeMint",
    about: "a deadline that passes while the mint is on its way: minted, never delivered, killed",
    prepare: async (people) => ({ taskId: await people.openTask({ deadlineSeconds }), delivered: [] }),
    async step(people, { taskId }, broker) {
      await broker.order({ order: "advance", millis: (deadlineSeconds + 1) * 1000, at: "ledger.completeMint" });
      const { status } = await people.exchange({ template: fromOAuth, taskId });
      if (status === 200) throw new Error("a credential was delivered after the deadline");
    },
  },
];
