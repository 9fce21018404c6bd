/** `mayfly task`: the orchestrator's commands, and an agent's for its own task. */
import type { Command } from "commander";
import { withClient, withExamples } from "../flags.ts";
import type { Run } from "../run.ts";
import { collectNamed, namedValue, positiveSeconds, resourceName, taskId, waitSeconds } from "../values.ts";
import { endTask } from "./task-end.ts";
import { openTask, type TemplateWish } from "./task-open.ts";
import { heartbeatTask, showTask } from "./task-show.ts";

const outcomes = ["completed", "failed", "cancelled"];

export function addTaskCommands(program: Command, run: Run): void {
  const task = program.command("task").description("open, watch and end tasks: a credential lives as long as its task");
  addOpen(task, run);

  const show = task.command("show").description("the state of a task and of every credential that it got");
  show.argument("<task-id>", "as in tsk_01arz3ndektsv4rrffq69", taskId);
  show.option("--wait <span>", "wait for its next change, at most 30s", waitSeconds);
  withExamples(
    withClient(show),
    "mayfly task show tsk_01arz3ndektsv4rrffq69",
    "mayfly task show $TASK --wait 30s --json",
  );
  show.action(run(showTask));

  const heartbeat = task.command("heartbeat").description("say that the task is alive; the deadline does not move");
  heartbeat.argument("<task-id>", "as in tsk_01arz3ndektsv4rrffq69", taskId);
  withExamples(withClient(heartbeat), "mayfly task heartbeat $TASK");
  heartbeat.action(run(heartbeatTask));

  const end = task.command("end").description("end a task and see its credentials die");
  end.argument("<task-id>", "as in tsk_01arz3ndektsv4rrffq69", taskId);
  end.addOption(end.createOption("--outcome <outcome>", "how it went").choices(outcomes).default("completed"));
  end.option("--reason <text>", "kept in the audit");
  end.option("--wait <span>", "wait for the verdicts, at most 30s", waitSeconds, 10);
  withExamples(
    withClient(end),
    "mayfly task end $TASK",
    "mayfly task end $TASK --outcome failed --reason 'tests red' --wait 0",
  );
  end.action(run(endTask));
}

function addOpen(task: Command, run: Run): void {
  const open = task.command("open").description("open a task for an agent; prints the task's id");
  open.option("--agent <name>", "the AgentProfile that works on it", resourceName);
  open.option("--template <name>", "a template that it may use; repeat for more", collectTemplate);
  // Belongs to the --template before it, so it is kept in that one's list.
  open.option(
    "--param <name=value>",
    "fix a parameter of the --template before it; name:=JSON for other than text",
    fixParameter,
  );
  open.option("--deadline <span>", "it ends by itself after this, as in 15m", positiveSeconds);
  open.option("--heartbeat <span>", "it ends when silent for this long", positiveSeconds);
  open.addOption(
    open.createOption("--heartbeat-from <who>", "who sends them").choices(["agent", "orchestrator", "both"]),
  );
  open.option("--parent <task-id>", "makes it a part of another task", taskId);
  open.option("--purpose <text>", "what it is for; kept in the audit");
  open.option("--ticket <text>", "where the work was asked for");
  open.option("--context <name=value>", "a fact for policy conditions; repeat for more", collectNamed);
  withExamples(
    withClient(open),
    "TASK=$(mayfly task open --agent invoice-bot --template ledger-read --deadline 15m)",
    "mayfly task open --agent invoice-bot --template ledger-read --param region=emea --template mail-send \\\n      --deadline 1h --heartbeat 30s --context environment=prod --json",
  );
  open.action(run(openTask));

  function collectTemplate(name: string, sofar: readonly TemplateWish[] = []): readonly TemplateWish[] {
    return [...sofar, { template: resourceName(name), parameters: {} }];
  }
  function fixParameter(text: string): true {
    const { name, value } = namedValue(text);
    const templates: readonly TemplateWish[] = open.opts<{ template?: readonly TemplateWish[] }>().template ?? [];
    const last = templates.at(-1);
    if (last === undefined)
      open.error(
        "error: --param comes after the --template that it belongs to, as in --template ledger-read --param region=emea",
      );
    else last.parameters[name] = value;
    return true;
  }
}
