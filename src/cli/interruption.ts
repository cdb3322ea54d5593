/** Ctrl-C, and what a closing terminal or a supervisor sends. */
import { CannotRun } from "../operations/cannot-run.ts";

export type Interruption = {
  /** For what cleans up by itself. */
  signal: AbortSignal;
  /** Rejects once it was asked to end. The connection closes with the process, and the database undoes what was not committed. */
  asked: Promise<never>;
};

/** Listens from now on, and once to each: whoever is asked twice ends at once. */
export function listenForInterruption(): Interruption {
  const controller = new AbortController();
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => {});
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(name, () => {
      const reason = new CannotRun(`ended by ${name}.`);
      controller.abort(reason);
      reject(reason);
    });
  return { signal: controller.signal, asked: promise };
}
