/** What the database says, kept in memory for as long as the listener would tell that it says something else. */
import { createRecent } from "../recent.ts";
import type { Listener } from "./listener.ts";

export type Cache<Loaded, Given = void> = {
  /** Asks the database for what is not known, and for everything while changes may be missed. */
  get(key: string, given: Given): Promise<Loaded>;
  /** The same without asking or waiting: undefined where `get` would ask. */
  known(key: string): NonNullable<Loaded> | undefined;
  /** Drops what is known of a key; without one, of all. */
  forget(key?: string): void;
  /** Drops every value of which `fits` is true. It looks at all of them: for what changes seldom. */
  forgetWhere(fits: (value: NonNullable<Loaded>) => boolean): void;
  watch(listener: Pick<Listener, "healthy">): void;
};

/**
 * @param max how many values are kept. Of more, those go that were not used for longest.
 * @param load answers null for what there is not: that is never kept. `given` is what `get` was given, and says nothing that
 * the key does not.
 */
export function createCache<Loaded extends object | null, Given = void>(
  max: number,
  load: (key: string, given: Given) => Promise<Loaded>,
): Cache<Loaded, Given> {
  const known = createRecent<NonNullable<Loaded>>(max);
  /** Not among the known: questions for what there is not, however many, push nothing out. */
  const underWay = new Map<string, Promise<Loaded>>();
  let listener: Pick<Listener, "healthy"> = { healthy: false };

  async function loadOnce(key: string, given: Given): Promise<Loaded> {
    const loading = load(key, given);
    underWay.set(key, loading);
    // A change that came while the query ran may not be in its answer: whoever asked before it may have that, nobody after.
    const isCurrent = () => underWay.get(key) === loading;
    try {
      const value = await loading;
      if (value && isCurrent() && listener.healthy) known.set(key, value);
      return value;
    } finally {
      if (isCurrent()) underWay.delete(key);
    }
  }

  return {
    async get(key, given) {
      if (!listener.healthy) return load(key, given);
      return known.get(key) ?? underWay.get(key) ?? loadOnce(key, given);
    },
    known: (key) => (listener.healthy ? known.get(key) : undefined),
    forget(key) {
      for (const map of [known, underWay]) {
        if (key === undefined) map.clear();
        else map.delete(key);
      }
    },
    forgetWhere(fits) {
      for (const [key, value] of known.entries()) if (fits(value)) known.delete(key);
      // What is being read may be such a value.
      underWay.clear();
    },
    watch(source) {
      listener = source;
    },
  };
}
