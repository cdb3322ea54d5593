/** How many of the requests that last there may be at once. A tenant has a share, so that none takes all of them. */
import { createFairQueue, type FairQueue } from "./fair-queue.ts";

export type Turns = {
  /** Imports, from the first byte to the last row: each holds its rows in memory. One more is refused at once. */
  imports: FairQueue;
  /** Imports that write, by the tenant that they write to. Whoever is there already waits. */
  importWrites: FairQueue;
  /** Exports, from the first byte to the last. One more is refused at once. */
  exports: FairQueue;
};

const IMPORTS = { turns: 16, turnsEach: 2, waiting: 0, waitingEach: 0 };
const IMPORT_WRITES = { turns: 4, turnsEach: 1, waiting: 16, waitingEach: 16 };
const EXPORTS = { turns: 16, turnsEach: 4, waiting: 0, waitingEach: 0 };

export function createTurns(): Turns {
  return {
    imports: createFairQueue(IMPORTS),
    importWrites: createFairQueue(IMPORT_WRITES),
    exports: createFairQueue(EXPORTS),
  };
}
