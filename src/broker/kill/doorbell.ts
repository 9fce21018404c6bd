/**
 * One answer at a time, and none forgotten: a ring during an answer causes another one after it. Many rings are one.
 */
export interface Doorbell {
  ring(): void;
  isAnswering(): boolean;
  /** Resolves when nothing is being answered any more. */
  answered(): Promise<void>;
}

/** `answer` must not throw. */
export function createDoorbell(answer: () => Promise<void>): Doorbell {
  let isAnswering = false;
  let rung = false;
  let answering: Promise<void> = Promise.resolve();
  const answerAll = async (): Promise<void> => {
    while (rung) {
      rung = false;
      await answer();
    }
    isAnswering = false;
  };
  return {
    isAnswering: () => isAnswering,
    answered: () => answering,
    ring() {
      rung = true;
      if (isAnswering) return;
      isAnswering = true;
      answering = answerAll();
    },
  };
}
