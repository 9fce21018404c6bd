/**
 * Loaded before a program (`node --import`): it lives MAYFLY_TEST_SHIFT_MILLIS later than the machine. A broker that is
 * started with it is a broker that was restarted that much later.
 */
import { env } from "node:process";

const shift = Number(env["MAYFLY_TEST_SHIFT_MILLIS"] ?? 0);
const machineNow = Date.now.bind(Date);
Date.now = () => machineNow() + shift;
