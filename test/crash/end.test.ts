/** An end that someone asked for is killed at each of its calls; after the restart every credential is dead. */
import { describeCrashes } from "../support/crash/describe-crashes.ts";
import { endScenarios } from "../support/crash/end-scenarios.ts";

describeCrashes("end", endScenarios);
