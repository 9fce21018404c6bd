/**
 * One answer at a time, and none forgotten: a ring during an answer causes another one after it. Many rings are one.
 */
export interface Doorbell {
  ring(): void;
  isAnswering(): boolean;
}

/** `answer` must not throw. */
export function createDoorbell(answer: () => Promise<void>): Doorbell {
  let isAnswering = false;
  let rung = false;
  const answerAll = async (): Promise<void> => {
    while (rung) {
      rung = false;
      await answer();
    }
    isAnswering = false;
  };
  return {
    isAnswering: () => isAnswering,
    ring() {
      rung = true;
      if (isAnswering) return;
      isAnswering = true;
      void answerAll();
    },
  };
}
