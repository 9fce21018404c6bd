/** An end that time brings is killed at each of its calls; the restart alone finishes it. */
import { describeCrashes } from "../support/crash/describe-crashes.ts";
import { lapseScenarios } from "../support/crash/end-scenarios.ts";

describeCrashes("lapse", lapseScenarios);
