/** Every signal is taken, also a second one: a process group and a forwarder may both send it while the clean-up runs. */
export function untilSignal(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => resolve());
  return promise;
}
