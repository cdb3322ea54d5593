/** How what was started ends: the same for a process that serves and for one that supervises others. */
export type Ending = {
  /** Ends it in good order. Answers the status to exit with, and the same to whoever asks again. */
  end(): Promise<number>;
  /** Whoever asked for the end does not want to wait: what is under way is finished, and nothing else waited for. */
  hurry(): void;
  /** Of other processes, which would go on without this one. */
  kill?(): void;
};

/** So long what is under way has, beyond DRAIN_SECONDS. */
export const FINISH_SECONDS = 20;
