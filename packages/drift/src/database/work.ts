/** Work that is under way while something else happens. */

/** Rejects as soon as the signal is aborted, so that the caller can clean up while `work` comes to its own end. */
export function unlessAborted<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    work().then(resolve, reject);
  });
}

/** Lets work go on meanwhile. Who needs the result meets its failure; until then nobody does. */
export function begun<T>(work: Promise<T>): Promise<T> {
  work.catch(() => {});
  return work;
}

/** Both results, or the first failure, but not before both have ended and left nothing behind. */
export async function both<A, B>(one: Promise<A>, other: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([one, other]);
  return [await one, await other];
}
