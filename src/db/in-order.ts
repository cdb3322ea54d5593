/** Statements that go out one behind the other. */

/**
 * Sends two statements of one transaction without waiting for the answer to the first: one round trip. They run in this
 * order, and the second sees what was committed before it began: what is read behind a lock is read as under it. It may
 * not need the answer of the first. Both have ended when it answers or throws: nothing of them comes after a rollback.
 */
export async function inOrder<First, Second>(
  first: PromiseLike<First>,
  second: PromiseLike<Second>,
): Promise<[First, Second]> {
  const [one, two] = await Promise.allSettled([first, second]);
  if (one.status === "rejected") throw one.reason;
  if (two.status === "rejected") throw two.reason;
  return [one.value, two.value];
}
