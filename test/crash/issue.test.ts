/** An issue is killed at each of its calls; no credential escapes its task, and what nobody can name has a bound. */
import { issueScenarios } from "../support/crash/issue-scenarios.ts";
import { describeCrashes } from "../support/crash/describe-crashes.ts";

describeCrashes("issue", issueScenarios);
