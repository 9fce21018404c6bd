/** An end is killed at each of its calls; whatever the moment, every credential is dead after the restart. */
import { endScenarios } from "../support/crash/end-scenarios.ts";
import { describeCrashes } from "../support/crash/describe-crashes.ts";

describeCrashes("end", endScenarios);
