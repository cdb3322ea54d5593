/** Work that no answer waits for, such as a mail whose time must not show. Whoever stops waits for it. */
export type Background = {
  /** Never rejects: nobody but `onFailure` hears of a failure. */
  run(work: Promise<unknown>, onFailure: (err: unknown) => void): Promise<void>;
  /** Once nothing is under way any more, what was begun meanwhile included. */
  settled(): Promise<void>;
};

export function createBackground(): Background {
  const underWay = new Set<Promise<void>>();
  return {
    run(work, onFailure) {
      const done = work
        .then(
          () => {},
          (err) => void onFailure(err),
        )
        .finally(() => underWay.delete(done));
      underWay.add(done);
      return done;
    },
    async settled() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
}
