/** How many of the requests that last there may be at once. A tenant has a share, so that none takes all of them. */
import { createFairQueue, type FairQueue } from "./fair-queue.ts";

export type Turns = {
  /** Imports, from the first byte to the last row: each holds its rows in memory. One more is refused at once. */
  imports: FairQueue;
  /**
   * Imports that write, and atomic requests of many items, by the tenant that they write to. Who waits for another one
   * of the tenant holds no connection.
   */
  longWrites: FairQueue;
  /** Exports, from the first byte to the last. One more is refused at once. */
  exports: FairQueue;
};

export const IMPORTS = { turns: 16, turnsEach: 2, waiting: 0, waitingEach: 0 };
export const LONG_WRITES = { turns: 4, turnsEach: 1, waiting: 64, waitingEach: 8 };
export const EXPORTS = { turns: 64, turnsEach: 4, waiting: 0, waitingEach: 0 };

export function createTurns(): Turns {
  return {
    imports: createFairQueue(IMPORTS),
    longWrites: createFairQueue(LONG_WRITES),
    exports: createFairQueue(EXPORTS),
  };
}
